module.exports = 'from the image'

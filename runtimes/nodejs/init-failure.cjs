'use strict'
/** An init that failed for a reason that is not an exception of user code: the message alone is the answer, a stack would only tell of the launcher. */
class InitFailure extends Error {}

module.exports = { InitFailure }

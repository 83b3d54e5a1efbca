module stave.test/wsk

go 1.16

// The CLI of Apache OpenWhisk, release 1.2.0, under the path of the committer who tagged it as a module.
require github.com/sciabarracom/openwhisk-cli v1.2.1

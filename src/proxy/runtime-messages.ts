/** The JSON texts that a runtime receives: `/init` and `/run` bodies of OpenWhisk's container contract. */

import type { RunRequest } from './run-request.ts'

/** The init message: code, and the environment of the activation that causes it. */
export function initMessage(request: RunRequest, code: string | undefined, deadlineAt: number): string {
  const { program } = request
  const environment: Record<string, string> = {
    ...request.initEnvironment,
    __OW_ACTION_NAME: program.path,
    __OW_ACTION_VERSION: program.version,
    __OW_NAMESPACE: request.namespace,
    __OW_ACTIVATION_ID: request.activationId,
    __OW_TRANSACTION_ID: request.transactionId,
    __OW_DEADLINE: String(deadlineAt),
    ...(request.apiKey !== undefined && { __OW_API_KEY: request.apiKey }),
  }
  const { name, main, binary } = program
  return JSON.stringify({ value: { name, main, binary, ...(code !== undefined && { code }), env: environment } })
}

/**
 * The run message. Names, versions and keys are ASCII without characters that JSON escapes, except the transaction id, which a client may choose:
 * it is checked where it enters. So the text is put together without a serialiser (bench/run-message.ts).
 */
export function runMessage(request: RunRequest, deadlineAt: number): string {
  const apiKey = request.apiKey === undefined ? '' : `,"api_key":"${request.apiKey}"`
  const { program } = request
  return (
    `{"value":${request.argumentBytes},"namespace":"${request.namespace}","action_name":"${program.path}"` +
    `,"action_version":"${program.version}","activation_id":"${request.activationId}"` +
    `,"transaction_id":"${request.transactionId}","deadline":"${deadlineAt}"${apiKey}}`
  )
}

/** The actions of the contract's tests, in each language that has a runtime here. */

import type { ContractCode } from './runtime-contract.ts'

export const NODEJS_CODE: ContractCode = {
  ECHO: 'function main(args) { return args }',
  NOT_JSON: 'function main(args) { return "not a json object" }',
  NIAM: 'function niam(args) { return args }',
  TALKING_ECHO: 'function main(args) { console.log("hello stdout"); console.error("hello stderr"); return args }',
  UNICODE:
    'function main({ delimiter }) { const s = `${delimiter} ☃ ${delimiter}`; console.log(s); return { winter: s } }',
  LOAD_TIME:
    'const { SOME_VAR: some, ANOTHER_VAR: another } = process.env; function main() { return { some, another } }',
  CONTEXT: `function main() {
    const { env } = process
    return { api_host: env.__OW_API_HOST, api_key: env.__OW_API_KEY, namespace: env.__OW_NAMESPACE, action_name: env.__OW_ACTION_NAME,
      action_version: env.__OW_ACTION_VERSION, activation_id: env.__OW_ACTIVATION_ID, transaction_id: env.__OW_TRANSACTION_ID, deadline: env.__OW_DEADLINE }
  }`,
  BROKEN: '10 PRINT "Hello!"\n20 GOTO 10',
  VARIOUS: `async function main({ print, untilTold, child }) {
    if (print) process.stdout.write('no newline')
    if (untilTold) {
      console.log('begun')
      await new Promise((resolve) => process.once('SIGTERM', () => setTimeout(resolve, 2000)))
    }
    if (child) require('child_process').execFileSync(process.execPath, ['-e', 'console.log("child")'], { stdio: 'inherit' })
    return {}
  }`,
  notDictionary: 'The action did not return a dictionary.',
  notInitialized: { status: 403, error: 'System not initialized.' },
  badRequest: { status: 500, error: /^Bad request\.$/ },
  initOk: { OK: true },
}

export const PYTHON_CODE: ContractCode = {
  ECHO: 'def main(args):\n  return args\n',
  NOT_JSON: 'def main(args):\n  return "not a json object"\n',
  NIAM: 'def niam(args):\n  return args\n',
  TALKING_ECHO:
    'import sys\ndef main(args):\n  print("hello stdout")\n  print("hello stderr", file=sys.stderr)\n  return args\n',
  UNICODE:
    '# encoding: utf-8\ndef main(args):\n  sep = args["delimiter"]\n  s = sep + " ☃ " + sep\n  print(s)\n  return {"winter": s}\n',
  LOAD_TIME:
    'import os\nsome = os.environ["SOME_VAR"]\nanother = os.environ["ANOTHER_VAR"]\ndef main(args):\n  return {"some": some, "another": another}\n',
  CONTEXT: `import os
def main(args):
  names = "api_host api_key namespace action_name action_version activation_id transaction_id deadline".split()
  return {name: os.environ.get("__OW_" + name.upper()) for name in names}
`,
  BROKEN: '10 PRINT "Hello!"\n20 GOTO 10',
  VARIOUS: `import signal, subprocess, sys, time
told = []
before = signal.getsignal(signal.SIGTERM)
def tell(number, frame):
  told.append(number)
  before(number, frame)
signal.signal(signal.SIGTERM, tell)
def main(args):
  if args.get("print"): sys.stdout.write("no newline")
  if args.get("untilTold"):
    print("begun")
    while not told: time.sleep(0.01)
    time.sleep(2)
  if args.get("child"): subprocess.run([sys.executable, "-c", "print('child')"], check=True)
  return {}
`,
  notDictionary: 'The action did not return a dictionary or array.',
  notInitialized: { status: 500, error: 'no action defined yet' },
  badRequest: { status: 400, error: /^Error unmarshaling request: ./ },
  initOk: { ok: true },
}

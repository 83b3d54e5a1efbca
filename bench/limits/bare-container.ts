/** Containers without a platform around them: what the Docker rows are compared with. Made as the platform's are: same image, same limits, same network. */

import { setTimeout as delay } from 'node:timers/promises'
import type { RawAnswer, RawCaller } from '../harness/raw-caller.ts'
import { rawCaller } from '../harness/raw-caller.ts'
import type { LoadTarget } from '../harness/stave-server.ts'
import type { Workbench } from '../harness/workbench.ts'
import { BODY } from '../load/run-load.ts'
import type { ContainerTemplate, EngineApi } from './engine-api.ts'

export interface BareContainer {
  readonly id: string
  readonly pid: number
  /** POST /init with the code of an action. */
  init(code: string): Promise<RawAnswer>
  /** POST /run with an empty argument. */
  run(): Promise<RawAnswer>
  /** Both: the first answer of a cold start. */
  firstAnswer(code: string): Promise<void>
  /** Runs with the argument that every rate is measured with. */
  readonly target: LoadTarget
}

const PORT = 8080
const PAUSE_MS = 1
const LISTEN_MS = 60_000

/** Creates, starts and resolves when the runtime accepts a connection. The container goes with the row. */
export async function startBareContainer(
  bench: Workbench,
  engine: EngineApi,
  template: ContainerTemplate,
): Promise<BareContainer> {
  const id = await engine.create(template)
  bench.defer(() => engine.remove(id))
  await engine.start(id)
  const { address, pid } = await engine.facts(id)
  const caller = rawCaller({ host: address, port: PORT }, { Accept: 'application/json' })
  bench.defer(() => caller.close())
  await accepted(caller)
  const post = async (path: string, body: object): Promise<RawAnswer> => {
    const answer = await caller.post(path, body)
    if (answer.status !== 200) throw new Error(`POST ${path} of a container was answered: ${answer.head}`)
    return answer
  }
  const init = (code: string): Promise<RawAnswer> => post('/init', initMessage(code))
  const run = (): Promise<RawAnswer> => post('/run', runMessage({}))
  return {
    id,
    pid,
    init,
    run,
    async firstAnswer(code) {
      await init(code)
      await run()
    },
    target: {
      host: address,
      port: PORT,
      paths: ['/run'],
      headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
      body: JSON.stringify(runMessage(JSON.parse(BODY) as object)),
    },
  }
}

async function accepted(caller: RawCaller): Promise<void> {
  const until = performance.now() + LISTEN_MS
  for (;;) {
    try {
      return await caller.open(1)
    } catch (error) {
      if (performance.now() > until) throw error
      await delay(PAUSE_MS)
    }
  }
}

function initMessage(code: string): object {
  const env = { __OW_NAMESPACE: 'guest', __OW_ACTION_NAME: '/guest/echo', __OW_ACTION_VERSION: '0.0.1' }
  return { value: { name: 'echo', main: 'main', binary: false, code, env } }
}

/** Of the length that the platform's have. */
function runMessage(value: object): object {
  return {
    value,
    namespace: 'guest',
    action_name: '/guest/echo',
    action_version: '0.0.1',
    activation_id: '0198c3f2a9b47d3e8f1a2b3c4d5e6f70',
    transaction_id: '0198c3f2a9b47d3e8f1a2b3c4d5e6f71',
    deadline: '1755000060000',
    api_key: '23bc46b1-71f6-4ed5-8c54-816aa4f8c502:123zO3xZCLrMN6v2BKK1dXYFpXlPkccOFqm12CdAsMgRU4VrNZ9lyGVCGuMDGIwP',
  }
}

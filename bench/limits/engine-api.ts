/** The Docker Engine's API as the limits use it: a kept connection and nothing between. Not the client of the platform, which is what is measured. */

import type { Workbench } from '../harness/workbench.ts'
import { apiClient } from '../harness/api-client.ts'

/** What the engine made for the platform, in the form in which it takes the order for another one. */
export interface ContainerTemplate {
  readonly Image: string
  readonly Env: readonly string[]
  readonly HostConfig: { readonly NetworkMode: string }
}

export interface ContainerFacts {
  readonly address: string
  readonly pid: number
}

/** Every method rejects with the engine's own message. */
export interface EngineApi {
  create(template: ContainerTemplate): Promise<string>
  start(id: string): Promise<void>
  facts(id: string): Promise<ContainerFacts>
  remove(id: string): Promise<void>
  /** Of a container on that network. */
  template(network: string): Promise<ContainerTemplate>
}

interface Inspected {
  readonly State: { readonly Pid: number }
  readonly Config: { readonly Image: string; readonly Env: readonly string[] }
  readonly HostConfig: { readonly NetworkMode: string }
  readonly NetworkSettings: { readonly Networks: Readonly<Record<string, { readonly IPAddress: string }>> }
}

/** The API of the bench's engine. Throws where there is none. */
export function openEngineApi(bench: Workbench): EngineApi {
  const { dockerHost } = bench.options
  if (dockerHost === undefined) throw new Error('the row needs a Docker Engine')
  const client = apiClient({ socketPath: dockerHost.replace('unix://', '') })
  bench.defer(() => client.close())
  const ask = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const { status, text } = await client.send(method, path, body)
    if (status >= 400) throw new Error(`${method} ${path}: ${status} ${text.trim()}`)
    return text === '' ? undefined : JSON.parse(text)
  }
  const inspect = async (id: string): Promise<Inspected> => (await ask('GET', `/containers/${id}/json`)) as Inspected
  return {
    async create(template) {
      return ((await ask('POST', '/containers/create', template)) as { readonly Id: string }).Id
    },
    async start(id) {
      await ask('POST', `/containers/${id}/start`)
    },
    async facts(id) {
      const { State, NetworkSettings } = await inspect(id)
      const [network] = Object.values(NetworkSettings.Networks)
      if (network === undefined || network.IPAddress === '') throw new Error(`container ${id} has no address`)
      return { address: network.IPAddress, pid: State.Pid }
    },
    async remove(id) {
      await ask('DELETE', `/containers/${id}?force=true&v=true`)
    },
    async template(network) {
      const filters = encodeURIComponent(JSON.stringify({ network: [network] }))
      const [found] = (await ask('GET', `/containers/json?filters=${filters}`)) as readonly { readonly Id: string }[]
      if (found === undefined) throw new Error(`there is no container on the network ${network}`)
      const { Config, HostConfig } = await inspect(found.Id)
      return { Image: Config.Image, Env: Config.Env, HostConfig }
    },
  }
}

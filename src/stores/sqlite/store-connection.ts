/** One store's share of the worker: its calls, and its end. */

import { StoreUnavailable } from '../artifact-store.ts'
import type { ArgsOf, Operations, ResultOf, StoreName } from './protocol.ts'
import type { WorkerClient } from './worker-client.ts'

export interface StoreConnection<Store extends StoreName> {
  /** Opens the database file now; its first use would do it as well. Rejects with `OpenRefused` or `StoreUnavailable`. */
  open(): Promise<void>
  /** Runs an operation in the worker; see `WorkerClient.call`. */
  call<Name extends keyof Operations[Store] & string>(
    operation: Name,
    ...args: ArgsOf<Operations[Store][Name]>
  ): Promise<ResultOf<Operations[Store][Name]>>
  /** Closes the database file after the calls before; later calls reject with `StoreUnavailable`. Idempotent. */
  close(): Promise<void>
}

/** The connection of `store`. `closed` is called once, when its file has been closed. */
export function connectStore<Store extends StoreName>(
  client: WorkerClient,
  store: Store,
  closed: () => Promise<void>,
): StoreConnection<Store> {
  let ending: Promise<void> | undefined
  const end = async (): Promise<void> => {
    try {
      await client.control(store, 'close')
    } finally {
      await closed()
    }
  }
  return {
    open: () => client.control(store, 'open'),
    call: (operation, ...args) =>
      ending === undefined
        ? client.call(store, operation, ...args)
        : Promise.reject(new StoreUnavailable(`the ${store} store is closed`)),
    close: () => (ending ??= end()),
  }
}

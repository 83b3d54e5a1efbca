/** Operational questions that tools for OpenWhisk ask a controller: which invokers are there, are they well, what runs. */

export interface Operations {
  /** The nodes that run containers, and whether each is well. */
  invokers(): readonly { readonly number: number; readonly up: boolean }[]
  /** Ids of the activations that run now. */
  runningActivations(): readonly string[]
}

/** The answer for such a path, or undefined when it is none of them. */
export function operationsDocument(path: string, on: Operations): { status: number; json: string } | undefined {
  switch (path) {
    case '/invokers': {
      const states = on.invokers().map(({ number, up }) => [`invoker${number}/${number}`, up ? 'up' : 'unhealthy'])
      return { status: 200, json: JSON.stringify(Object.fromEntries(states)) }
    }
    case '/invokers/healthy/count':
      return { status: 200, json: `${healthy(on)}` }
    case '/invokers/ready': {
      const share = `${healthy(on)}/${on.invokers().length}`
      // Whoever asks wants to know whether work can be done at all: one node that is well is enough.
      return healthy(on) > 0
        ? { status: 200, json: JSON.stringify({ healthy: share }) }
        : { status: 500, json: JSON.stringify({ unhealthy: share }) }
    }
    case '/activation':
      return { status: 200, json: JSON.stringify(on.runningActivations()) }
    case '/activation/count':
      return { status: 200, json: `${on.runningActivations().length}` }
    default:
      return undefined
  }
}

function healthy(on: Operations): number {
  return on.invokers().filter(({ up }) => up).length
}

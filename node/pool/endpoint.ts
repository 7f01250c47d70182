import type { MessagePort, Worker } from 'node:worker_threads'
import type { Endpoint } from 'comlink'

type Hear = (event: { readonly data: unknown }) => void

/** A worker, seen from either side, as Comlink speaks to one: listeners are given an event with the message in it. */
export function endpointOf(port: Worker | MessagePort): Endpoint {
  const heard = new Map<Hear, (data: unknown) => void>()
  return {
    postMessage: port.postMessage.bind(port),
    addEventListener(_: string, hear: Hear) {
      heard.set(hear, (data) => hear({ data }))
      port.on('message', heard.get(hear) as (data: unknown) => void)
    },
    removeEventListener(_: string, hear: Hear) {
      port.off('message', heard.get(hear) ?? hear)
      heard.delete(hear)
    },
  }
}

import { deskOn } from '../../src/service/desk.ts'
import type { DeskHand } from '../../src/service/fusion.ts'
import type { Host } from '../../src/service/host.ts'

/** This thread as its own worker: it does its work between other things, and ends at a pause. */
export function ownThread(host: Host): DeskHand {
  const stop = new AbortController()
  return { desk: deskOn(host, stop.signal), death: new Promise(() => {}), end: () => stop.abort() }
}

// A Web Worker, seen from who started it, and whether it still lives. A page hears nothing of a worker that closed itself or was
// terminated: the worker holds a lock for as long as it lives, and who gets that lock knows.

import { HostError } from '../src/core/errors.ts'
import { Death } from '../src/service/pool.ts'
import { asked, type Line } from './wire.ts'

/** What a worker can be asked first. */
interface Greeter {
  /** Holds a lock of this name until its end. @returns whether it does */
  greet(lock: string | undefined): Promise<boolean>
}

/** How long a worker may take to load and answer. */
const GREETING_MS = 30_000

const REMEDY = 'give createFusion a createWorker that starts a module worker of your own, whose file imports "metafusion/worker"'

/** A line to a worker that is being started. @throws HostError if the host refuses to */
export function lineTo(start: () => Worker): Line {
  const worker = started(start)
  let die: (death: Death) => void = () => {}
  const death = new Promise<Death>((resolve) => {
    die = resolve
  })
  worker.addEventListener('error', (event) => {
    // It is told by whoever waits for the worker, and needs no telling by the console or the worker around this one.
    event.preventDefault()
    die(event.message ? new Death(`of "${event.message}"`) : new Death('its file cannot be loaded', REMEDY))
  })
  worker.addEventListener('messageerror', () => die(new Death('what it says cannot be read here')))
  return {
    endpoint: worker,
    ready: watched(worker, die),
    death,
    end() {
      worker.terminate()
      die(new Death('it was ended'))
    },
  }
}

function started(start: () => Worker): Worker {
  try {
    return start()
  } catch (error) {
    throw new HostError(`no worker can be started (${(error as Error).message}): ${REMEDY}`)
  }
}

/** Settles when the worker has answered and its lock is waited for. */
async function watched(worker: Worker, die: (death: Death) => void): Promise<void> {
  const locks = lockManager()
  const lock = locks && crypto.randomUUID()
  const late = setTimeout(
    () => die(new Death(`it did not answer within ${GREETING_MS / 1000} seconds of its start`, REMEDY)),
    GREETING_MS,
  )
  const held = await asked<Greeter>({ endpoint: worker }).greet(lock)
  clearTimeout(late)
  if (held && lock) locks?.request(lock, () => die(new Death('it was closed or terminated'))).catch(() => {})
}

/** A worker's answer to a greeting. */
export const greeter: Greeter = {
  greet: (lock) =>
    new Promise((answer) => {
      const locks = lockManager()
      if (!lock || !locks) return answer(false)
      const hold = () => {
        answer(true)
        return new Promise(() => {})
      }
      // Some pages may have no locks.
      locks.request(lock, hold).catch(() => answer(false))
    }),
}

/** Secure contexts of browsers have one. */
const lockManager = (): LockManager | undefined => (globalThis.navigator as Partial<Navigator> | undefined)?.locks

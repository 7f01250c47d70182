// Comlink between a thread and its workers, whatever the host: this is the side that asks, `serve.ts` the one that answers.

import { type Endpoint, proxy, type TransferHandler, transferHandlers, wrap } from 'comlink'
import { ConfigError, DataError, FormatError, HostError, MemoryError, ShapeError } from '../src/core/errors.ts'
import type { Desk } from '../src/service/desk.ts'
import type { DeskHand } from '../src/service/fusion.ts'
import type { Hand, JobHand } from '../src/service/pool.ts'

/** A worker as Comlink speaks to one, and the end of it. */
export interface Line extends Hand {
  readonly endpoint: Endpoint
  /** Settles when its end would be noticed: before that it is given nothing to do. */
  readonly ready: Promise<unknown>
}

/** What a worker of a pool can be asked: nothing but plain data comes and goes. `tell` hears how far the job is. */
export interface JobDesk<Ground, Job, Told, Result> {
  /** What its jobs stand on, before the first one. */
  open(ground: Ground): Promise<void>
  run(job: Job, tell: (told: Told) => void): Promise<Result>
}

/** A worker that trains and predicts. */
export function deskHand(line: Line): DeskHand {
  const { train, plan, predict } = asked<Desk>(line)
  return {
    ...line,
    desk: {
      async train(data, options, tell) {
        await line.ready
        return train(data, options, tell && proxy(tell))
      },
      async plan(...given) {
        await line.ready
        return plan(...given)
      },
      async predict(...given) {
        await line.ready
        return predict(...given)
      },
    },
  }
}

/** A worker of a pool. */
export function jobHand<Ground, Job, Told, Result>(line: Line, ground: Ground): JobHand<Job, Told, Result> {
  const { open, run } = asked<JobDesk<Ground, Job, Told, Result>>(line)
  const opened = line.ready.then(() => open(ground))
  return {
    ...line,
    async run(job, tell) {
      await opened
      return run(job, proxy(tell))
    },
  }
}

/** What answers at the other end. */
export function asked<Answering>({ endpoint }: Pick<Line, 'endpoint'>): Answering {
  keepErrors()
  return wrap(endpoint) as Answering
}

const KNOWN: Readonly<Record<string, new (message: string) => Error>> = {
  ...{ ConfigError, DataError, FormatError, HostError, MemoryError, ShapeError },
  ...{ EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError },
}

interface Thrown {
  readonly value: unknown
}
type Sent = { readonly isError: boolean; readonly value: unknown }

/**
 * Lets every error cross with its name, message and data, as one of its class where that is known here. What Comlink itself sends
 * and reads fits, so one end may be another's. To be called by both ends, as an import has no effect.
 */
export function keepErrors(): void {
  const { canHandle } = transferHandlers.get('throw') as TransferHandler<Thrown, Sent>
  const handler: TransferHandler<Thrown, Sent> = {
    canHandle,
    serialize: ({ value }) => [value instanceof Error ? { isError: true, value: packed(value) } : { isError: false, value }, []],
    deserialize({ isError, value }) {
      throw isError ? unpacked(value as Packed) : value
    },
  }
  transferHandlers.set('throw', handler)
}

type Packed = Readonly<Record<string, unknown> & Record<'name' | 'message' | 'stack', string>>

function packed(error: Error): Packed {
  const { name, message, stack = '' } = error
  const data = { ...error, ...(error.cause !== undefined && { cause: error.cause }) }
  return { ...Object.fromEntries(Object.entries(data).filter(([, value]) => isPlain(value))), name, message, stack }
}

function unpacked({ name, message, stack, ...data }: Packed): Error {
  const Known = Object.hasOwn(KNOWN, name) ? KNOWN[name] : Error
  const error = Object.assign(new Known(message), data, { stack })
  if (error.name !== name) error.name = name
  return error
}

/** Whether it can be sent. */
function isPlain(value: unknown): boolean {
  try {
    structuredClone(value)
    return true
  } catch {
    return false
  }
}

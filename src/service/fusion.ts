// Training and prediction that leave the caller's thread alone.

import { HostError } from '../core/errors.ts'
import type { Dataset, Inputs } from '../data/dataset.ts'
import type { Rule } from '../fusion/ensemble.ts'
import type { Model } from '../fusion/model.ts'
import type { Prediction } from '../fusion/predictor.ts'
import type { Trained } from '../recipe/recipe.ts'
import type { Desk } from './desk.ts'
import type { Signal } from './host.ts'
import { Death, type Hand } from './pool.ts'
import type { Planned, PlanOptions, TrainOptions } from './train.ts'

/** What is needed of a worker: a Web Worker is one, and one of Node's worker_threads. */
export interface WorkerLike {
  postMessage(message: unknown): void
  terminate(): unknown
}

export interface FusionOptions {
  /**
   * Starts a worker that imports "metafusion/worker": for bundlers and hosts that do not find the one which comes with this door.
   * Called when the first call needs it, and again after one was ended.
   */
  readonly createWorker?: () => WorkerLike
  /** The `workers` of a training that asks for none itself (1). */
  readonly workers?: number
}

/**
 * A worker that trains and predicts; at the edge, where there are no workers, the calling thread between other things. It is
 * started by the first call, does one call after the other, and stays until `dispose`.
 *
 * What is given is copied when the call's turn comes (arrays stay the caller's: leave them as they are until then), what comes back
 * is moved. Errors have the name, message and data that they had there. A call whose worker dies is rejected by a HostError, and the
 * next one starts another worker.
 */
export interface FusionCalls {
  /**
   * As `train`, and with `workers` by so many more of them. The signal ends the worker, whatever it does, and what waits for its turn
   * goes on with another one; so does an error thrown by `onProgress`.
   * @throws as `train`; the signal's reason; HostError
   */
  train(data: Dataset, options?: TrainOptions): Promise<Trained>
  /** As `plan`, for one thread. @throws as `plan`; HostError */
  plan(data: Dataset, options?: PlanOptions): Promise<Planned>
  /** As `predict`. @throws as `predict`; HostError */
  predict(model: Model, inputs: Inputs, rule?: Rule): Promise<Prediction>
  /** Ends the worker; calls that are not done are rejected by a HostError, and so are later ones. */
  dispose(): void
}

/** A worker with a desk. */
export interface DeskHand extends Hand {
  readonly desk: Desk
}

/** Why a call is given up from here. */
class Stop {
  readonly reason: unknown
  constructor(reason: unknown) {
    this.reason = reason
  }
}

/** @param start starts a worker. @throws HostError if it cannot */
export function fusionOn(start: () => DeskHand, workers?: number): FusionCalls {
  let hand: DeskHand | undefined
  let disposed = false
  let last: Promise<void> = Promise.resolve()
  const stops = new Set<(stop: Stop) => void>()

  function running(): DeskHand {
    if (hand) return hand
    const started = start()
    hand = started
    // One that dies while nothing is to be done is not missed.
    started.death.then(() => ended(started))
    return started
  }

  function ended(one: DeskHand): unknown {
    if (hand === one) hand = undefined
    return one.end()
  }

  /** A call, when its turn has come. @param ask is given how to give up, too */
  async function call<Answer>(
    ask: (desk: Desk, stop: (reason: unknown) => void) => Promise<Answer>,
    signal?: Signal,
  ): Promise<Answer> {
    if (disposed) throw gone()
    signal?.throwIfAborted()
    let stop: (stop: Stop) => void = () => {}
    const stopped = new Promise<Stop>((resolve) => {
      stop = resolve
    })
    const abort = () => stop(new Stop(signal?.reason))
    signal?.addEventListener('abort', abort)
    stops.add(stop)
    const turn = last
    let over = () => {}
    last = new Promise((resolve) => {
      over = resolve
    })
    try {
      const early = await Promise.race([turn, stopped])
      if (early) throw early.reason
      const mine = running()
      const end = await Promise.race([ask(mine.desk, (reason) => stop(new Stop(reason))), mine.death, stopped])
      if (!(end instanceof Death || end instanceof Stop)) return end
      await ended(mine)
      throw end instanceof Stop ? end.reason : lost(end)
    } finally {
      stops.delete(stop)
      signal?.removeEventListener('abort', abort)
      turn.then(over)
    }
  }

  return {
    train(data, { onProgress, signal, ...options } = {}) {
      let open = true
      const told = call((desk, stop) => {
        const tell: Parameters<Desk['train']>[2] = (progress) => {
          try {
            if (open) onProgress?.(progress)
          } catch (error) {
            stop(error)
          }
        }
        return desk.train(data, { ...(workers && { workers }), ...options }, onProgress && tell)
      }, signal)
      return told.finally(() => {
        open = false
      })
    },
    plan: (data, options = {}) => call((desk) => desk.plan(data, options)),
    predict: (model, inputs, rule) => call((desk) => desk.predict(model, inputs, rule)),
    dispose() {
      disposed = true
      for (const stop of stops) stop(new Stop(gone()))
      if (hand) ended(hand)
    },
  }
}

const gone = () => new HostError('this fusion was disposed of: create another one')

const lost = ({ cause, remedy = 'call again, which starts another one, with less data if memory was short' }: Death) =>
  new HostError(`the worker ended because ${cause}: ${remedy}`)

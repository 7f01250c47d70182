// What a training needs of its host. All else is the same everywhere.

import type { Crew } from '../recipe/jobs.ts'
import type { Numerics, Shelf } from '../wasm/shelf.ts'

/** Stops something: an AbortSignal is one. */
export interface Signal {
  readonly aborted: boolean
  readonly reason: unknown
  throwIfAborted(): void
  addEventListener(type: 'abort', listener: () => void): void
  removeEventListener(type: 'abort', listener: () => void): void
}

/** Workers that do the jobs of one training. */
export interface TrainingCrew extends Crew {
  /** Settles with the next news if the training waits for any; undefined when it does not. @throws as a pool's `run` */
  news(): Promise<void> | undefined
  /** Stops the workers. */
  close(): Promise<void>
}

export interface Host extends Pick<Shelf, 'kernels' | 'load'> {
  /** Milliseconds since some time; left out where a clock stands still while work is done, as it does at the edge. */
  readonly now?: () => number
  /** Lets everything else on this thread have its turn. */
  readonly turn: () => Promise<void>
  /** Workers, where the host has any. */
  readonly crew?: (size: number, numerics: Numerics, signal: Signal | undefined) => TrainingCrew
}

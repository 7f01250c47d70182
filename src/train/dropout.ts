import type { Workspace } from '../fusion/student.ts'
import type { Window } from '../nn/dense.ts'
import type { Between } from '../nn/mlp.ts'
import type { TrainKernels } from '../wasm/kernels.ts'
import type { Pointer } from '../wasm/memory.ts'
import type { Random } from '../wasm/random.ts'
import type { Session } from '../wasm/session.ts'

/** How many of the hidden values are dropped in training, and a stream for each student, whose forks make the masks of a batch. */
export interface Dropout {
  readonly rate: number
  readonly streams: readonly Random[]
}

/** A hidden layer's mask (0, or 1 / (1 - rate)), and its product with the layer, which the next layer reads. */
export interface Dropped {
  readonly mask: Pointer
  readonly out: Window
}

/** What is dropped by all students. */
export interface Drops {
  /** By the window of the hidden layer, which itself stays whole: the slope of its activation needs it. */
  readonly layers: ReadonlyMap<Window, Dropped>
  /** The stream of each student as the batch has it, 16 bytes each, and what drops by it. */
  readonly states: Pointer
  readonly between: readonly Between[]
}

/** Room for what is dropped of every hidden layer, of encoders and heads, on at most `rows` rows. */
export function dropsOf(
  { kernels, memory }: Session<TrainKernels>,
  { rate }: Dropout,
  work: readonly Workspace[],
  rows: number,
): Drops {
  const windows = work.flatMap(({ encoders, hidden }) => [...encoders.flat(), ...hidden])
  const room = (width: number) => memory.alloc(4 * rows * width)
  const layers = new Map(windows.map(({ ld }, l) => [windows[l], { mask: room(ld), out: { at: room(ld), ld } }]))
  const states = memory.alloc(16 * work.length)
  const between = work.map((_, i) => (hidden: Window, B: number) => {
    const { mask, out } = layers.get(hidden) as Dropped
    const n = B * hidden.ld
    kernels.dropoutMask(mask, states + 16 * i, n, rate)
    kernels.multiply(out.at, hidden.at, mask, n)
    return out
  })
  return { layers, states, between }
}

/**
 * Dropout for every student on one batch. Its masks depend on the student's stream and the batch's name alone: they are the same
 * at every ρ, whoever else is in the cohort.
 */
export function dropping({ streams }: Dropout, { states, between }: Drops, batch: string): readonly Between[] {
  for (let i = 0; i < streams.length; i++) streams[i].plant(states + 16 * i, batch)
  return between
}

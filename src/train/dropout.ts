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

/** By the window of the hidden layer, which itself stays whole: the slope of its activation needs it. */
export type Drops = ReadonlyMap<Window, Dropped>

/** Room for what is dropped of every hidden layer, of encoders and heads, on at most `rows` rows. */
export function dropsOf({ memory }: Session, work: readonly Workspace[], rows: number): Drops {
  const layers = work.flatMap(({ encoders, hidden }) => [...encoders.flat(), ...hidden])
  const room = (width: number) => memory.alloc(4 * rows * width)
  return new Map(layers.map((layer) => [layer, { mask: room(layer.ld), out: { at: room(layer.ld), ld: layer.ld } }]))
}

/**
 * Dropout for every student on one batch. Its masks depend on the student's stream and the batch's name alone: they are the same
 * at every ρ, whoever else is in the cohort.
 */
export function dropping({ kernels }: Session<TrainKernels>, { rate, streams }: Dropout, drops: Drops, batch: string): Between[] {
  return streams.map((stream) => {
    const masks = stream.fork(batch)
    return (hidden, B) => {
      const { mask, out } = drops.get(hidden) as Dropped
      const n = B * hidden.ld
      masks.lend((state) => kernels.dropoutMask(mask, state, n, rate))
      kernels.multiply(out.at, hidden.at, mask, n)
      return out
    }
  })
}

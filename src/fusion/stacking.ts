// Stacking: a small network hears what all students say and says what it makes of it. It is a student itself, whose one modality
// is their outputs side by side, so that whatever trains, saves and runs a student does so with it.

import { mlp } from '../nn/mlp.ts'
import type { InferKernels } from '../wasm/kernels.ts'
import type { Pointer } from '../wasm/memory.ts'
import type { Session } from '../wasm/session.ts'
import { layersOf, type Student, studentOf, workspaceOf } from './student.ts'

/** The meta learner of so many students: one hidden layer as wide as its input, as in the authors' code. */
export function metaLearner(students: number, outputs: number): Student {
  const width = students * outputs
  return studentOf({ extractors: [{ kind: 'raw' }], hidden: [width], activation: 'relu', outputs }, [width])
}

/** What a meta learner reads, (B, students · D): outputs (K, B, D) of the members row by row, 0 where a student says nothing. */
export function sideBySide(outputs: Float32Array, members: readonly number[], students: number, D: number): Float32Array {
  const B = outputs.length / members.length / D
  const rows = new Float32Array(B * students * D)
  members.forEach((i, k) => {
    for (let b = 0; b < B; b++) {
      const at = (k * B + b) * D
      rows.set(outputs.subarray(at, at + D), (b * students + i) * D)
    }
  })
  return rows
}

/** out (B, D) = what the meta learner at `block` makes of the outputs `said` (K, B, D) of the members: logits or values. */
export function runMeta(
  { kernels, memory }: Session<InferKernels>,
  out: Pointer,
  said: Pointer,
  members: readonly number[],
  meta: Student,
  block: Pointer,
  B: number,
): void {
  const D = meta.spec.outputs
  const mark = memory.mark()
  const { input, hidden } = workspaceOf(memory, meta, B)
  const heard = memory.f32(said, members.length * B * D)
  memory.f32(input.at, B * input.ld).set(sideBySide(heard, members, input.ld / D, D))
  mlp(kernels, { at: out, ld: D }, input, layersOf(meta, block).head, hidden, B)
  memory.release(mark)
}

// Mirror of fusion/student.ts.

import type { Cohort } from '../../fusion/cohort.ts'
import type { Student } from '../../fusion/student.ts'
import type { Window } from '../../nn/dense.ts'
import type { MlpSpec } from '../../nn/mlp.ts'
import type { TrainKernels } from '../../wasm/kernels.ts'
import type { Memory, Pointer } from '../../wasm/memory.ts'
import type { Drops } from '../dropout.ts'
import { denseInputGradient, throughActivation } from './dense.ts'
import { mlpGradient } from './mlp.ts'

/** Where the gradients that a student's backward pass goes through are put: of each hidden layer of its head, port and encoder. */
export interface BackwardRoom {
  readonly head: readonly Window[]
  readonly ports: readonly Window[]
  readonly encoders: readonly (readonly Window[])[]
}

/** By student, in what all of them share: buffers as wide as the widest layer of any, two by turns for what stands in a row. */
export function backwardRooms(memory: Memory, students: readonly Student[], rows: number): BackwardRoom[] {
  // Not Math.max(...widths): there may be more of them than a call takes arguments.
  const widest = (widths: number[]) => memory.alloc(4 * rows * widths.reduce((most, width) => Math.max(most, width), 1))
  const heads = students.map(({ head }) => hiddenWidths(head))
  const encoders = students.map(({ ports }) => ports.map(({ encoder }) => (encoder ? hiddenWidths(encoder) : [])))
  const pair = (widths: number[]) => [widest(widths), widest(widths)]
  const inHeads = pair(heads.flat())
  const inEncoders = pair(encoders.flat(2))
  const inPorts = widest(students.flatMap(({ ports }) => ports.map(({ width }) => width)))
  const byTurns = (widths: number[], [odd, even]: Pointer[]) => widths.map((ld, l) => ({ at: l % 2 === 0 ? odd : even, ld }))
  return students.map(({ ports }, i) => ({
    head: byTurns(heads[i], inHeads),
    ports: ports.map(({ width }) => ({ at: inPorts, ld: width })),
    encoders: encoders[i].map((widths) => byTurns(widths, inEncoders)),
  }))
}

const hiddenWidths = ({ widths }: MlpSpec): number[] => widths.slice(1, -1)

/** Gradient of student i's whole block, from dOut (B, outputs) and what the forward pass left in its workspace. */
export function studentGradient(
  kernels: TrainKernels,
  gradient: Pointer,
  dOut: Window,
  { students, layers, work, batches }: Cohort,
  i: number,
  room: BackwardRoom,
  B: number,
  drops?: Drops,
): void {
  const { ports } = students[i]
  const { block, head, encoders } = layers[i]
  const { input, hidden, ports: latents, encoders: inner } = work[i]
  // A network has its gradient where its layers are in the block.
  const d = mlpGradient(kernels, gradient + (head[0].weight - block), dOut, input, head, hidden, room.head, B, drops)
  for (let p = 0; p < ports.length; p++) {
    const { encoder, modality, offset, width } = ports[p]
    if (!encoder) continue
    const own = encoders[p]
    const dLatent = room.ports[p]
    denseInputGradient(kernels, dLatent, d, head[0], B, offset, width)
    throughActivation(kernels, dLatent, latents[p], own[own.length - 1], B)
    const x = batches[modality] as Window
    mlpGradient(kernels, gradient + (own[0].weight - block), dLatent, x, own, inner[p], room.encoders[p], B, drops)
  }
}

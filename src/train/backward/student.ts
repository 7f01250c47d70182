// Mirror of fusion/student.ts.

import type { Student, StudentLayers, Workspace } from '../../fusion/student.ts'
import type { Window } from '../../nn/dense.ts'
import type { TrainKernels } from '../../wasm/kernels.ts'
import type { Memory, Pointer } from '../../wasm/memory.ts'
import type { Drops } from '../dropout.ts'
import { denseInputGradient, throughActivation } from './dense.ts'
import { mlpGradient } from './mlp.ts'

/** What every student's backward pass shares: two buffers as wide as the widest layer of any student, and one for a port. */
export interface BackwardScratch {
  readonly layers: readonly [Pointer, Pointer]
  readonly port: Pointer
  readonly encoder: readonly [Pointer, Pointer]
}

export function backwardScratch(memory: Memory, students: readonly Student[], rows: number): BackwardScratch {
  // Not Math.max(...widths): there may be more of them than a call takes arguments.
  const widest = (widths: number[]) => memory.alloc(4 * rows * widths.reduce((most, width) => Math.max(most, width), 1))
  const heads = students.flatMap((s) => s.head.widths.slice(1, -1))
  const encoders = students.flatMap((s) => s.ports.flatMap((p) => p.encoder?.widths.slice(1, -1) ?? []))
  const ports = students.flatMap((s) => s.ports.map((p) => p.width))
  return {
    layers: [widest(heads), widest(heads)],
    encoder: [widest(encoders), widest(encoders)],
    port: widest(ports),
  }
}

/**
 * Gradient of a student's whole block, from dOut (B, outputs) and what the forward pass left in its workspace.
 * @param batches as given to runStudent
 */
export function studentGradient(
  kernels: TrainKernels,
  gradient: Pointer,
  dOut: Window,
  student: Student,
  layers: StudentLayers,
  work: Workspace,
  batches: readonly (Window | undefined)[],
  scratch: BackwardScratch,
  B: number,
  drops?: Drops,
): void {
  const block = (layers.encoders.find((e) => e.length > 0) ?? layers.head)[0].weight
  const of = (address: Pointer) => gradient + (address - block)
  const d = mlpGradient(kernels, of(layers.head[0].weight), dOut, work.input, layers.head, work.hidden, scratch.layers, B, drops)
  student.ports.forEach((port, i) => {
    if (!port.encoder) return
    const dLatent = { at: scratch.port, ld: port.width }
    denseInputGradient(kernels, dLatent, d, layers.head[0], B, port.offset, port.width)
    const encoder = layers.encoders[i]
    const latent = { at: work.input.at + 4 * port.offset, ld: work.input.ld }
    throughActivation(kernels, dLatent, latent, encoder[encoder.length - 1], B)
    const x = batches[port.modality] as Window
    mlpGradient(kernels, of(encoder[0].weight), dLatent, x, encoder, work.encoders[i], scratch.encoder, B, drops)
  })
}

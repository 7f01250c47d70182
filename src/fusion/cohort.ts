import type { Window } from '../nn/dense.ts'
import type { Between } from '../nn/mlp.ts'
import type { InferKernels } from '../wasm/kernels.ts'
import type { Memory, Pointer } from '../wasm/memory.ts'
import type { Session } from '../wasm/session.ts'
import { layersOf, runStudent, type Source, type Student, type StudentLayers, type Workspace, workspaceOf } from './student.ts'

/** Students with their blocks in memory, and room to run them on up to `capacity` rows. */
export interface Cohort {
  readonly students: readonly Student[]
  readonly layers: readonly StudentLayers[]
  readonly work: readonly Workspace[]
  readonly sources: ReadonlyMap<string, Source>
  /** Room for the rows of each modality that some encoder reads. */
  readonly batches: readonly (Window | undefined)[]
  /** Room for the chosen rows' indexes. */
  readonly index: Pointer
  readonly outputs: number
  readonly capacity: number
}

/**
 * @param blocks where each student's block stands
 * @param keep keeps what every student computed until its backward pass; without, they share one workspace
 */
export function cohortOf(
  memory: Memory,
  students: readonly Student[],
  blocks: readonly Pointer[],
  sources: ReadonlyMap<string, Source>,
  capacity: number,
  keep: boolean,
): Cohort {
  const batches: (Window | undefined)[] = []
  for (const port of students.flatMap((s) => s.ports)) {
    const width = port.encoder?.widths[0]
    if (width) batches[port.modality] ??= { at: memory.alloc(4 * capacity * width), ld: width }
  }
  const index = memory.alloc(4 * capacity)
  const start = memory.mark()
  let end = start
  const work = students.map((student) => {
    if (!keep) memory.release(start)
    const room = workspaceOf(memory, student, capacity)
    end = Math.max(end, memory.mark())
    return room
  })
  memory.release(end)
  const layers = students.map((student, i) => layersOf(student, blocks[i]))
  return { students, layers, work, sources, batches, index, outputs: students[0].spec.outputs, capacity }
}

/** Chooses the rows that the next runs are about. */
export function chooseRows({ kernels, memory }: Session, cohort: Cohort, rows: Int32Array): void {
  memory.i32(cohort.index, rows.length).set(rows)
  cohort.batches.forEach((batch, modality) => {
    if (!batch) return
    const source = cohort.sources.get(`${modality}:raw`) as Source
    kernels.gatherRows(batch.at, source.at, cohort.index, rows.length, batch.ld, batch.ld, source.width)
  })
}

/** out (B, outputs) of student i on the B chosen rows. */
export function runMember(kernels: InferKernels, out: Pointer, cohort: Cohort, i: number, B: number, between?: Between): void {
  const { students, layers, work, sources, batches, index, outputs } = cohort
  runStudent(kernels, { at: out, ld: outputs }, students[i], layers[i], work[i], sources, batches, index, B, between)
}

/** out (M, B, outputs) of all students on the B chosen rows. @param between by student */
export function runCohort(kernels: InferKernels, out: Pointer, cohort: Cohort, B: number, between?: readonly Between[]): void {
  for (let i = 0; i < cohort.students.length; i++) {
    runMember(kernels, out + 4 * i * B * cohort.outputs, cohort, i, B, between?.[i])
  }
}

import type { Window } from '../nn/dense.ts'
import type { Between } from '../nn/mlp.ts'
import type { InferKernels } from '../wasm/kernels.ts'
import type { Memory, Pointer } from '../wasm/memory.ts'
import type { Session } from '../wasm/session.ts'
import { layersOf, runStudent, type Source, type Student, type StudentLayers, type Workspace, workspaceOf } from './student.ts'

/** Room for the chosen rows of a source. */
export interface Batch extends Window {
  readonly source: Source
}

/** Students with their blocks in memory, and room to run them on up to `capacity` rows. */
export interface Cohort {
  readonly students: readonly Student[]
  readonly layers: readonly StudentLayers[]
  readonly work: readonly Workspace[]
  readonly sources: ReadonlyMap<string, Source>
  /** Room for the rows of each modality that some encoder reads. */
  readonly batches: readonly (Batch | undefined)[]
  /** Room for the chosen rows' indexes. */
  readonly index: Pointer
  /** Where the student that runs puts its outputs: moved from one to the next. */
  readonly out: { at: Pointer; readonly ld: number }
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
  const batches: (Batch | undefined)[] = []
  for (const { encoder, modality, source } of students.flatMap((s) => s.ports)) {
    const width = encoder?.widths[0]
    if (width) batches[modality] ??= { at: memory.alloc(4 * capacity * width), ld: width, source: sources.get(source) as Source }
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
  const { outputs } = students[0].spec
  return { students, layers, work, sources, batches, index, out: { at: 0, ld: outputs }, outputs, capacity }
}

/** Chooses the rows that the next runs are about. */
export function chooseRows({ kernels, memory }: Session, cohort: Cohort, rows: Int32Array): void {
  memory.words().set(rows, cohort.index / 4)
  gather(kernels, cohort, rows.length)
}

/** Chooses B rows that stand together, from `first` on. */
export function chooseRange({ kernels, memory }: Session, cohort: Cohort, first: number, B: number): void {
  const words = memory.words()
  for (let b = 0; b < B; b++) words[cohort.index / 4 + b] = first + b
  gather(kernels, cohort, B)
}

function gather(kernels: InferKernels, { index, batches }: Cohort, B: number): void {
  for (let m = 0; m < batches.length; m++) {
    const batch = batches[m]
    if (batch) kernels.gatherRows(batch.at, batch.source.at, index, B, batch.ld, batch.ld, batch.source.width)
  }
}

/** out (B, outputs) of student i on the B chosen rows. */
export function runMember(kernels: InferKernels, out: Pointer, cohort: Cohort, i: number, B: number, between?: Between): void {
  const { students, layers, work, sources, batches, index } = cohort
  cohort.out.at = out
  runStudent(kernels, cohort.out, students[i], layers[i], work[i], sources, batches, index, B, between)
}

/** out (M, B, outputs) of all students on the B chosen rows. @param between by student */
export function runCohort(kernels: InferKernels, out: Pointer, cohort: Cohort, B: number, between?: readonly Between[]): void {
  for (let i = 0; i < cohort.students.length; i++) {
    runMember(kernels, out + 4 * i * B * cohort.outputs, cohort, i, B, between?.[i])
  }
}

import type { Read } from '../data/prepare.ts'
import type { InferKernels } from '../wasm/kernels.ts'
import type { Pointer } from '../wasm/memory.ts'
import type { Session } from '../wasm/session.ts'
import { type Cohort, chooseRange, cohortOf, runMember } from './cohort.ts'
import { believe, type Voices } from './doubt.ts'
import { combine, type Rule } from './ensemble.ts'
import { sourceName } from './extractor.ts'
import { doubtOf, type Model, memberOf, modelOutputs } from './model.ts'
import { placeFrozen, runFrozen } from './projection.ts'
import { metaLearner, runMeta } from './stacking.ts'
import type { Source } from './student.ts'

/** Rows that are run at once. */
export const CHUNK = 64

/** Room for prepared rows, and for a chunk of them on its way through a student. */
export interface Room {
  readonly sources: ReadonlyMap<string, Source>
  readonly cohort: Cohort
}

/** A model in the memory of a session. All that depends on no row stands there, and all addresses are known. */
export interface Runner {
  /** Room for up to so many rows, on top of what is in memory. @throws MemoryError */
  roomFor(rows: number): Room
  /** Fills the room with rows. @param reads what prepares them, by modality; undefined for one that no row has */
  prepare(room: Room, reads: readonly (Read | undefined)[], rows: Int32Array): void
  /**
   * Runs B rows, at most CHUNK, from `first` of those in the room on.
   * @param heard told of each row, by its place from `first`, what its students say (members, outputs)
   * @returns where their probabilities or outputs (B, outputs) stand until the next run, and how likely it is that each doubted
   *   modality is not the row's own (B, doubted)
   */
  run(room: Room, voices: Voices, first: number, B: number, heard?: (b: number, said: Float32Array) => void): Said
}

export interface Said {
  readonly at: Pointer
  readonly beliefs: Float64Array
}

/** @param features prepared features of each modality @throws MemoryError */
export function runnerOf(session: Session<InferKernels>, model: Model, rule: Rule, features: readonly number[]): Runner {
  const { kernels, memory } = session
  const students = model.students.map((s) => memberOf(s, features))
  const blocks = model.students.map((s) => memory.put(s.block))
  const layers = model.projections.map((projection) => placeFrozen(memory, projection))
  const raw = features.map((_, m) => sourceName(m, { kind: 'raw' }))
  const kind = { task: model.target.task, average: model.ensembles.average }
  const D = modelOutputs(model.target).length
  const said = memory.alloc(4 * students.length * CHUNK * D)
  const doubt = doubtOf(model, rule)
  const mix = memory.alloc(4 * CHUNK * D * (doubt ? 1 + 2 * features.length : 1))
  const beliefs = new Float64Array(CHUNK * features.length)
  const meta = metaLearner(students.length, D)
  const { stacking } = model.ensembles
  const metaBlock = rule === 'stacking' && stacking ? memory.put(stacking) : undefined

  return {
    roomFor(rows) {
      const sources = new Map<string, Source>()
      const add = (name: string, width: number) => sources.set(name, { at: memory.alloc(4 * rows * width), width })
      for (let m = 0; m < raw.length; m++) add(raw[m], features[m])
      for (const { to, width } of layers) add(to, width)
      return { sources, cohort: cohortOf(memory, students, blocks, sources, CHUNK, false) }
    },

    prepare({ sources }, reads, rows) {
      for (let m = 0; m < reads.length; m++) {
        const { at, width } = sources.get(raw[m]) as Source
        const read = reads[m]
        if (read) read(memory.floats(), at / 4, rows)
        else memory.floats().fill(0, at / 4, at / 4 + rows.length * width)
      }
      for (const layer of layers) {
        const { at } = sources.get(layer.to) as Source
        runFrozen(kernels, at, sources.get(layer.from) as Source, layer, rows.length)
      }
    },

    run({ cohort }, voices, first, B, heard) {
      const { members, doubted, ways } = voices
      chooseRange(session, cohort, first, B)
      for (let k = 0; k < members.length; k++) runMember(kernels, said + 4 * k * B * D, cohort, members[k], B)
      if (heard) tell(session, said, members.length, B, D, kind.task, heard)
      if (metaBlock === undefined) {
        combine(session, mix, said, ways, rule, kind, B, D)
        if (doubt && doubted.length > 0) believe(memory.floats(), mix / 4, doubt, B, D, doubted.length, beliefs)
      } else {
        runMeta(session, mix, said, members, meta, metaBlock, B)
        if (kind.task === 'classification') kernels.softmax(mix, mix, B, D)
      }
      return { at: mix, beliefs }
    },
  }
}

/** What each of K students says of each of B rows, probabilities where they are classes; (K, B, D) in memory stays as it is. */
function tell(
  { kernels, memory }: Session<InferKernels>,
  said: Pointer,
  K: number,
  B: number,
  D: number,
  task: Model['target']['task'],
  heard: (b: number, said: Float32Array) => void,
): void {
  const mark = memory.mark()
  const told = memory.alloc(4 * K * B * D)
  if (task === 'classification') kernels.softmax(told, said, K * B, D)
  else memory.copy(told, said, 4 * K * B * D)
  const all = memory.f32(told, K * B * D).slice()
  memory.release(mark)
  for (let b = 0; b < B; b++) {
    const mine = new Float32Array(K * D)
    for (let k = 0; k < K; k++) mine.set(all.subarray((k * B + b) * D, (k * B + b + 1) * D), k * D)
    heard(b, mine)
  }
}

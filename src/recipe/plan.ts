// What a training will be, before anything of it is trained: who takes part, how many steps, how much memory, and a few real
// steps for the host to time. Nobody here knows a clock.

import { type Asked, askedBaselines, trainedBy } from '../baselines/baselines.ts'
import { checkDataset, type Dataset } from '../data/dataset.ts'
import { checkLeaks } from '../data/leakage.ts'
import type { Splits } from '../data/split.ts'
import { sourceName } from '../fusion/extractor.ts'
import { type Solver, type Source, type StudentSpec, studentName, studentOf } from '../fusion/student.ts'
import { checkConfig } from '../train/check-config.ts'
import { type Resolved, RHO, type TrainConfig } from '../train/config.ts'
import { frozenWidths, networkProblem } from '../train/encoders.ts'
import { firstBlocks } from '../train/init.ts'
import { ADAM } from '../train/optimizer.ts'
import { fitPca, pcaBytes, pcaOperations } from '../train/pca.ts'
import type { Problem } from '../train/problem.ts'
import { stagesAgain } from '../train/rho.ts'
import { capacityOf, groundOf, type Premises, pcaRows, premisesOf, problemOf, rowsWith } from '../train/setting.ts'
import { countSolving } from '../train/solve.ts'
import { metaPlan, metaProblem } from '../train/stacking.ts'
import { alone, planOf, trainBatch } from '../train/step.ts'
import { countedMemory } from '../wasm/memory.ts'
import { OVERHEAD } from './jobs.ts'
import { onceOf, stagesOf, stepsOf, stepsOver } from './stages.ts'

/** A network that will be trained. */
export interface PlannedNetwork {
  readonly name: string
  readonly parameters: number
}

/** A network that is trained on a modality alone before the students, who are cut from it. */
export interface PlannedEncoder extends PlannedNetwork {
  /** Hidden … latents. */
  readonly widths: readonly number[]
  readonly epochs: number
  /** Training rows that have the modality. */
  readonly rows: number
}

/** Memory that will be needed. What reads the data, and the program itself, are not counted. */
export interface PlannedBytes {
  /** The data set as it is given. */
  readonly data: number
  /** Prepared rows, what frozen extractors make of them, and the target. */
  readonly rows: number
  /** Every student's parameters and two moments of each. */
  readonly students: number
  /** For a batch: its rows, what all students compute on it, and the gradient of one. */
  readonly batch: number
  /** All of WebAssembly memory at its most: the last three, or what a PCA, an encoder, stacking or the baselines need at their time. */
  readonly session: number
  /** Every student's first weights, and its best ones of each ρ and of a fold. */
  readonly checkpoints: number
  /** data, session and checkpoints. */
  readonly total: number
}

/** What a training will be. */
export interface TrainingPlan {
  readonly students: readonly PlannedNetwork[]
  readonly baselines: readonly PlannedNetwork[]
  readonly encoders: readonly PlannedEncoder[]
  /** Of all students. */
  readonly parameters: number
  readonly rows: { readonly train: number; readonly validation: number; readonly test: number }
  /** Steps of one network each: of all networks, in all epochs, at every ρ, and for out-of-fold rows in every fold. */
  readonly steps: { readonly encoders: number; readonly students: number; readonly baselines: number }
  readonly bytes: PlannedBytes
  readonly config: Resolved
  readonly notes: readonly string[]
}

/** A piece of the training's work, to be timed. By one thread the training takes as long as `times` of it. */
export interface Trial {
  readonly run: () => void
  readonly times: number
}

/**
 * Checks, decides and prepares everything as training does, and trains nothing.
 * @param module the compiled train.wasm
 * @returns the plan, and trials that together tell how long one thread takes for the training: all but combining and scoring
 * @throws ShapeError, DataError, ConfigError, MemoryError as `trainModel`
 */
export function planOfTraining(
  module: WebAssembly.Module,
  data: Dataset,
  splits: Splits,
  config: TrainConfig = {},
): { plan: TrainingPlan; trials: readonly Trial[] } {
  checkConfig(config)
  checkDataset(data)
  const asked = askedBaselines(config.baselines ?? true, data, config.rho ?? RHO, splits.validation.length === 0)
  const leaks = checkLeaks(data, splits, config.allowLeakage)
  const premises = premisesOf(module, data, splits, config)
  const { resolved, names, specs } = premises
  const notes = [...premises.notes, ...leaks]
  const rivals = trainedBy(asked, { setting: premises, cohort: specs })
  const named = (spec: StudentSpec) => ({ name: studentName(spec, names), parameters: sizeOf(premises, spec) })
  const students = specs.map(named)
  const baselines = rivals.map(named)
  const encoders = plannedEncoders(premises)
  const steps = {
    encoders: encoders.reduce((sum, { rows, epochs }) => sum + epochs * Math.ceil(rows / resolved.batch), 0),
    students: students.length * stepsOf(stagesOf(premises), resolved),
    baselines: stepsOver(onceOf(premises), resolved) * baselines.length,
  }
  const parameters = parametersOf(students)
  const rows = { train: splits.train.length, validation: splits.validation.length, test: splits.test.length }
  const bytes = plannedBytes(premises, asked, parameters)
  const plan = { students, baselines, encoders, parameters, rows, steps, bytes, config: resolved, notes }
  return { plan, trials: [...stepTrial(premises, rivals, plan), ...solveTrial(premises, rivals), ...pcaTrial(premises)] }
}

const sizeOf = ({ features }: Premises, spec: StudentSpec): number => studentOf(spec, features).layout.size
const parametersOf = (networks: readonly PlannedNetwork[]): number => networks.reduce((sum, n) => sum + n.parameters, 0)

function plannedEncoders(premises: Premises): PlannedEncoder[] {
  const ground = groundOf(premises)
  return premises.encoders.map((encoder) => {
    const { students, train } = networkProblem(ground, encoder)
    const { modality, widths, epochs } = encoder
    return { name: premises.names[modality], parameters: students[0].layout.size, widths, epochs, rows: train.length }
  })
}

/** Bytes as training takes them, allocation by allocation, in a memory that is only counted. */
function plannedBytes(premises: Premises, asked: readonly Asked[], parameters: number): PlannedBytes {
  const { session, data, splits, specs, resolved, target } = premises
  const memory = countedMemory(session.memory.mark())
  const counted = { ...session, memory }
  const before = memory.mark()
  const room = (problem: Problem, more: () => void = () => {}) => {
    const mark = memory.mark()
    planOf({ ...problem, session: counted }, capacityOf(premises))
    more()
    const bytes = memory.mark() - mark
    memory.release(mark)
    return bytes
  }
  const fitted = rowsWith(data, pcaRows(splits, resolved))
  resolved.extractors.forEach((list, m) => {
    const widths = list.flatMap((e) => (e.kind === 'pca' ? [e.components] : []))
    if (widths.length === 0) return
    const mark = memory.mark()
    memory.alloc(pcaBytes(fitted[m], premises.features[m], Math.max(...widths)))
    memory.release(mark)
    for (const width of widths) memory.alloc(4 * data.ids.length * width)
  })
  for (const encoder of premises.encoders) room(networkProblem(groundOf(premises), encoder))
  for (const { modality } of premises.encoders) {
    for (const width of frozenWidths(resolved.extractors[modality])) memory.alloc(4 * data.ids.length * width)
  }
  const rows = memory.mark() - before + rowBytes(premises)
  const students = 12 * parameters
  const outputs = target.task === 'classification' ? target.classes.length : target.outputs.length
  // The jury of the ensembles stands behind the plan; it is no part of a batch.
  const said = 4 * specs.length * splits.validation.length * outputs
  const batch = room(problemOf(premises, specs, { losing: true }), () => memory.alloc(said)) - students - said
  const solve = (problem: Problem) => room(problem, () => countSolving(memory, problem))
  solve(problemOf(premises, specs, { losing: true }))
  if (resolved.ensembles.includes('stacking')) {
    const heard = resolved.stacking.rows === 'validation' ? 0 : splits.train.length
    const fitted = heard + splits.validation.length
    room(problemOf(premises, specs), () => {
      const at = memory.alloc(4 * fitted * specs.length * outputs)
      const wanted = { ...premises.targetRows, at: memory.alloc(4 * fitted * (target.task === 'classification' ? 1 : outputs)) }
      const rows = new Int32Array(fitted)
      const problem = metaProblem(counted, specs.length, at, { ...wanted, smoothing: 0 }, fitted)
      metaPlan({ ...problem, train: rows, validation: rows }, resolved.batch)
    })
  }
  for (const { baseline } of asked) {
    // Those trained again and again stand in the same place.
    const rivals = new Set(baseline.trains({ setting: premises, cohort: specs }))
    if (rivals.size > 0) solve(problemOf(premises, [...rivals]))
  }
  const { grid, folds } = stagesOf(premises)
  const again = folds[0]?.length ?? 0
  // Each screening that is gone on from with its moments keeps them: that of the grid, and one for a fold.
  const goesOn = resolved.warmStart !== 'weights' && resolved.rho.some((rho) => stagesAgain(resolved, rho) > 1)
  const moments = goesOn ? 2 : 0
  const checkpoints = 4 * parameters * (1 + grid.length + again + moments * (again > 1 ? 2 : 1))
  const size = Math.max(memory.size(), session.memory.size())
  const given = dataBytes(data)
  return { data: given, rows, students, batch, session: size, checkpoints, total: given + size + checkpoints }
}

/** What the premises have in the session already: prepared rows and the target. */
function rowBytes({ sources, data, target }: Premises): number {
  const width = [...sources.values()].reduce((sum, source) => sum + source.width, 0)
  return 4 * data.ids.length * (width + (target.task === 'classification' ? 1 : target.outputs.length))
}

function dataBytes({ modalities, target }: Dataset): number {
  const columns = modalities.flatMap(({ columns }) => columns.map((c) => (c.kind === 'number' ? c.values : c.codes)))
  const outcome = target.task === 'classification' ? target.labels : target.values
  return [...columns, ...modalities.map((m) => m.present), outcome].reduce((sum, { byteLength }) => sum + byteLength, 0)
}

/** The most networks of a trial. */
const SAMPLE = 32

/** One step of some students, small ones and large ones, on a full batch; the others cost by their parameters. */
function stepTrial(
  premises: Premises,
  rivals: readonly StudentSpec[],
  { students, baselines, encoders, config, rows }: Omit<TrainingPlan, 'bytes'>,
): Trial[] {
  const { specs, session, splits, random, sources, data, features } = premises
  const cost = ({ parameters }: PlannedNetwork) => parameters + OVERHEAD
  const ranked = Array.from(students.keys())
    .filter((i) => !specs[i].solved)
    .sort((a, b) => students[a].parameters - students[b].parameters)
  if (ranked.length === 0) return []
  const count = Math.min(SAMPLE, ranked.length)
  const sample = Array.from({ length: count }, (_, i) => ranked[Math.floor(((i + 0.5) * ranked.length) / count)])
  const problem = problemOf(
    premises,
    sample.map((i) => specs[i]),
  )
  // Frozen rows are not there yet: any numbers of that width take as long.
  const stand: Map<string, Source> = new Map(sources)
  for (const { source, width, encoder } of problem.students.flatMap((s) => s.ports)) {
    if (encoder || stand.has(source)) continue
    stand.set(source, { at: session.memory.put(new Float32Array(data.ids.length * width)), width })
  }
  const plan = planOf({ ...problem, sources: stand }, capacityOf(premises))
  const networks = new Map(features.map((_, m) => [m, new Float32Array(largest(premises))]))
  const blocks = firstBlocks(problem.students, sample.map(String), random.fork('trial'), networks)
  plan.states.forEach(({ block, first, size }, i) => {
    session.memory.f32(block, size).set(blocks[i])
    session.memory.f32(first, 2 * size).fill(0)
  })
  const batch = splits.train.slice(0, config.batch)
  // Validation is one product for each weight where a step is three.
  const steps = (epochs: number, of: number) => (epochs * of * (1 + rows.validation / (3 * rows.train))) / batch.length
  const sum = (networks: readonly PlannedNetwork[]) => networks.reduce((total, network) => total + cost(network), 0)
  const { grid, folds } = stagesOf(premises)
  const all =
    sum(ranked.map((i) => students[i])) * [...grid, ...folds.flat()].reduce((total, of) => total + steps(config.epochs, of), 0) +
    sum(baselines.filter((_, i) => !rivals[i].solved)) *
      onceOf(premises).reduce((total, of) => total + steps(config.epochs, of), 0) +
    encoders.reduce((total, e) => total + cost(e) * steps(e.epochs, e.rows), 0)
  const run = () => void trainBatch(plan, batch, alone(plan), { ...ADAM, rate: 1e-6 })
  return [{ run, times: all / sum(sample.map((i) => students[i])) }]
}

/** How often a loss and its slope are worked out along a path, about. */
const EVALUATIONS: Readonly<Record<Solver, number>> = { ridge: 100, lasso: 200, random: 100 }

/** A loss and its slope, the two products of them, if any student is solved: the others as they have more to multiply. */
function solveTrial(premises: Premises, rivals: readonly StudentSpec[]): Trial[] {
  const { specs, session, splits, features, head } = premises
  const { memory, kernels } = session
  const D = head.outputs
  const rows = onceOf(premises).reduce((sum, count) => sum + count, 0)
  const operations = [...specs, ...rivals].reduce((sum, spec) => {
    const { widths } = studentOf(spec, features).head
    return spec.solved ? sum + EVALUATIONS[spec.solved] * rows * (widths.at(-2) as number) * D : sum
  }, 0)
  if (operations === 0) return []
  const [B, width] = [Math.min(splits.train.length, 4 * TRIED), 4 * TRIED]
  const [x, block, out] = [B * width, width * D, B * D].map((count) => memory.put(new Float32Array(count)))
  const run = () => {
    kernels.gemmNT(out, x, block, B, D, width, D, width, width, false)
    kernels.gemmTN(block, out, x, D, width, B, width, D, width, false)
  }
  return [{ run, times: operations / (B * width * D) }]
}

/** Parameters of the largest network that is cut. */
const largest = (premises: Premises): number => Math.max(1, ...plannedEncoders(premises).map((e) => e.parameters))

/** Features of the PCA that is tried. */
const TRIED = 96

/** A small PCA, if there is any in the training: the others take as much longer as they have more to multiply. */
function pcaTrial(premises: Premises): Trial[] {
  const { session, data, splits, resolved, features, sources } = premises
  const fitted = rowsWith(data, pcaRows(splits, resolved))
  const asked = resolved.extractors.flatMap((list, m) => (list.some((e) => e.kind === 'pca') ? [m] : []))
  if (asked.length === 0) return []
  // The first numbers of the first modality, as if they were rows of few features.
  const m = asked[0]
  const { at } = sources.get(sourceName(m, { kind: 'raw' })) as Source
  const width = Math.min(TRIED, features[m])
  const rows = Int32Array.from({ length: Math.min(2 * TRIED, Math.floor((data.ids.length * features[m]) / width)) }, (_, i) => i)
  const operations = asked.reduce((sum, modality) => sum + pcaOperations(fitted[modality], features[modality]), 0)
  const run = () => {
    const mark = session.memory.mark()
    const work = fitPca(session, { at, width }, rows, 1)
    while (!work.next().done);
    session.memory.release(mark)
  }
  return [{ run, times: operations / pcaOperations(rows.length, width) }]
}

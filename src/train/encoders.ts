// Networks that are trained on one modality alone before there are students, and cut at several depths (METHOD: "sliced").

import { during } from '../core/during.ts'
import { type Extractor, extractorName } from '../fusion/extractor.ts'
import type { Projection } from '../fusion/projection.ts'
import { type Source, type StudentSpec, studentOf } from '../fusion/student.ts'
import { mlpLayers } from '../nn/mlp.ts'
import type { TrainKernels } from '../wasm/kernels.ts'
import type { Random } from '../wasm/random.ts'
import type { Session } from '../wasm/session.ts'
import type { Encoder, Resolved } from './config.ts'
import { firstBlocks } from './init.ts'
import type { Problem, TargetRows } from './problem.ts'
import { type BatchDone, runStage, type StageResult, type Start, shuffled } from './stage.ts'
import { alone, capacityFor, type Plan, planOf } from './step.ts'

/** Rows and all that is decided about them: what networks are trained in. */
export interface Ground {
  readonly session: Session<TrainKernels>
  readonly features: readonly number[]
  readonly sources: ReadonlyMap<string, Source>
  readonly target: TargetRows
  /** 1 for each row that has the modality, by modality. */
  readonly present: readonly Uint8Array[]
  readonly train: Int32Array
  readonly validation: Int32Array
  readonly resolved: Pick<Resolved, 'activation' | 'batch' | 'optimizer'>
}

/** The network as what it is while it is trained: a student of its modality alone, whose hidden layers are to be cut. */
function networkSpec(
  { modality, widths }: Encoder,
  modalities: number,
  { resolved, target }: Pick<Ground, 'resolved' | 'target'>,
): StudentSpec {
  const extractors = Array.from({ length: modalities }, (_, m): Extractor => ({ kind: m === modality ? 'raw' : 'skip' }))
  return { extractors, hidden: widths, activation: resolved.activation, outputs: target.outputs }
}

/** The network to be trained, on all training rows that have the modality, and where it is judged. */
export function networkProblem(ground: Ground, encoder: Encoder): Problem {
  const { session, features, sources, target, train, validation } = ground
  const present = ground.present[encoder.modality]
  const has = (row: number) => present[row] === 1
  return {
    session,
    students: [studentOf(networkSpec(encoder, features.length, ground), features)],
    sees: [present],
    sources,
    target,
    train: train.filter(has),
    validation: validation.filter(has),
  }
}

/** Trains the network of a plan by itself; its best validation checkpoint is what it leaves. */
export function* trainNetwork(
  plan: Plan,
  start: Start,
  { epochs, rate, decay }: Encoder,
  { batch, optimizer }: Ground['resolved'],
  order: (epoch: number) => Int32Array,
): Generator<BatchDone, StageResult> {
  return yield* runStage(plan, {
    rho: 0,
    objective: () => alone(plan),
    epochs,
    batch,
    optimizer: { ...optimizer, rate, decay },
    starts: [start],
    order,
    keepMoments: false,
  })
}

/** Networks by modality: their parameters, those of the first layers first. */
export interface Networks {
  readonly blocks: ReadonlyMap<number, Float32Array>
  /** Modalities whose network diverged and is left as it began. */
  readonly diverged: readonly number[]
}

/** Trains every network that is to be cut. @yields after each batch */
export function* trainNetworks(ground: Ground, encoders: readonly Encoder[], random: Random): Generator<void, Networks> {
  const blocks = new Map<number, Float32Array>()
  const diverged: number[] = []
  for (const encoder of encoders) {
    const { memory } = ground.session
    const mark = memory.mark()
    const problem = networkProblem(ground, encoder)
    const { train } = problem
    const own = random.fork(`modality ${encoder.modality}`)
    const [block] = firstBlocks(problem.students, ['network'], own.fork('weights'))
    const plan = planOf(problem, capacityFor(ground.resolved.batch, train.length))
    const work = trainNetwork(plan, { block }, encoder, ground.resolved, shuffled(train, own.fork('order')))
    const { best, losses } = yield* during(work, () => undefined)
    blocks.set(encoder.modality, best[0].block)
    if (!Number.isFinite(losses[0])) diverged.push(encoder.modality)
    memory.release(mark)
  }
  return { blocks, diverged }
}

/** Widths of the frozen layers of a modality: those of its deepest frozen cut. */
export const frozenWidths = (extractors: readonly Extractor[]): readonly number[] =>
  extractors
    .flatMap((e) => (e.kind === 'frozen-sliced' ? [e.widths] : []))
    .reduce((most, widths) => (widths.length > most.length ? widths : most), [])

/** The frozen layers of a modality as its extractors need them: the network's first ones, to the deepest of its frozen cuts. */
export function frozenLayers(
  modality: number,
  extractors: readonly Extractor[],
  features: number,
  block: Float32Array,
  activation: Resolved['activation'],
): Projection[] {
  const deepest = frozenWidths(extractors)
  const layers = mlpLayers({ widths: [features, ...deepest], activation, last: activation }, 0)
  return layers.map(({ weight, bias, outputs }, l) => ({
    modality,
    name: extractorName({ kind: 'frozen-sliced', widths: deepest.slice(0, l + 1) }),
    // Of a block at address 0: addresses are bytes.
    weight: block.slice(weight / 4, bias / 4),
    bias: block.slice(bias / 4, bias / 4 + outputs),
    activation,
  }))
}

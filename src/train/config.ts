import { DOUBTED_UP_TO } from '../fusion/doubt.ts'
import { type Average, type Rule, usualRules } from '../fusion/ensemble.ts'
import { type Cut, type Extractor, isCut, parseExtractor } from '../fusion/extractor.ts'
import { SOLVERS, type Solver } from '../fusion/student.ts'
import type { Activation } from '../nn/dense.ts'
import type { EnsembleSpec, GreedySpec } from './ensembling.ts'
import { BY_CLUSTER } from './mutual.ts'
import { ADAM, type OptimizerSpec } from './optimizer.ts'
import type { RhoChoice, Teaching, WarmStart } from './rho.ts'
import type { ClassWeights } from './row-weights.ts'
import type { Schedule } from './schedule.ts'
import type { StackingSpec } from './stacking.ts'

/** What a user may set; everything has a default. As JSON, it is the CLI's `--config`. */
export interface TrainConfig {
  /** A whole number, 0 … 2³² - 1: same seed, same model. Default 0. */
  readonly seed?: number
  /**
   * Extractors by modality, `"*"` for those not named: `skip`, `raw`, `pca(30)`, `mlp(128,64)`, `sliced(128,70)`,
   * `frozen-sliced(128,70)`. Default: by the data's shape.
   */
  readonly extractors?: Readonly<Record<string, readonly string[]>>
  /**
   * How the networks are trained that `sliced` and `frozen-sliced` cut, by modality, `"*"` for what is not set by name.
   * Default: the epochs and decay of the students, rate 0.001. Never with dropout, schedule or patience.
   */
  readonly encoders?: Readonly<Record<string, Partial<EncoderCourse>>>
  /** The most students but the solved ones; every modality alone and all together take part even beyond it. Default 64; 32 where cross-fitted. */
  readonly budget?: number
  /**
   * Parts of the training rows for cross-fitting, which takes place where a split has no validation rows: every choice goes by what
   * copies of the students say of rows they were trained without. 0 has validation rows drawn instead. Default 5; 0 above 5000 rows.
   */
  readonly folds?: number
  /** How often rows are cross-fitted, each time in other folds; what is said of a row is the mean. As many times as long. Default 1. */
  readonly repeats?: number
  /** Students that are solved, not trained, with the penalty that suits unseen rows best: `ridge`, `lasso`, `random`. Default all where cross-fitted, else none. */
  readonly solved?: readonly Solver[]
  /** Hidden widths of the heads: one list, or one for each of several kinds of heads. Default [[128], [64, 64]]; from 2000 rows on twice as wide. */
  readonly head?: readonly number[] | readonly (readonly number[])[]
  /** Between hidden layers. Default `relu`. */
  readonly activation?: Activation
  /** Sharing strengths to try, each once; 0 is always tried. Default [0, 0.99, 3], as in the paper; [0, 0.99] where cross-fitted. */
  readonly rho?: readonly number[]
  /** Passes over the training rows at each ρ. Default: about 600 optimizer steps, but 40 to 100 passes; fewer of more than 19 200 rows. */
  readonly epochs?: number
  /** Rows per step. Default 64; 32 below 150 training rows. */
  readonly batch?: number
  /** Default: adamw, rate 0.003, decay 0.01; without decay where another kind is named. */
  readonly optimizer?: Partial<OptimizerSpec>
  /** How the learning rate moves within a stage. Default constant. */
  readonly schedule?: Schedule
  /** A stage ends after this many epochs in which no student improved on its best validation loss; 0 for never, the default. */
  readonly patience?: number
  /** Share of the hidden values of heads and encoders that each training step sets to 0. Default 0; 0.2 of a cross-fitted classification. */
  readonly dropout?: number
  /**
   * How likely a training step of the cohort takes a modality from a row that has it, so that only the students that do without it see
   * the row; every row keeps one. Default 0.
   */
  readonly modalityDropout?: number
  /** Share of a row's target that training spreads over all classes; classification only. Default 0. */
  readonly labelSmoothing?: number
  /** What rows count by class in every loss but the divergence; classification only. Default `none`; a class not named has 1. */
  readonly classWeights?: ClassWeights
  /** Where a ρ > 0 starts from: `none` (the first weights), `first` (the authors' code), `all` or `weights`. Default first; none where cross-fitted or with solved students, which allow no other. */
  readonly warmStart?: WarmStart
  /** What ρ is chosen by: the greedy `ensemble`'s validation loss, or the `teachers`' mean as the authors do. Default ensemble. */
  readonly chooseRho?: RhoChoice
  /** Who teaches and how much each counts. Default: the best cluster, their number by silhouette, normalised over all. */
  readonly teaching?: Partial<Teaching>
  /** Rules that are built. Default: greedy, best-single, simple- and weighted-average, and a classification's two votes. */
  readonly ensembles?: readonly Rule[]
  /** What a classification's averages are of, greedy's included: logits or probabilities. Default logits, as the authors. */
  readonly average?: Average
  /**
   * How likely it is, before looking, that one modality of a row is not the row's own: the greedy ensemble of a classification hears
   * what each modality says alone, and believes the others as far as one contradicts them. 0 for never; up to 0.5. Default 0.005 of a
   * cross-fitted classification of two to eight modalities, else 0.
   */
  readonly doubt?: number
  /** Greedy selection. Default best 3, prune 0.2, most 30, metric loss, shrink 0; 200 where cross-fitted. */
  readonly greedy?: Partial<GreedySpec>
  /** Bagging draws this share of the number of students; only where `ensembles` lists it. Default 0.6. */
  readonly bagging?: Partial<EnsembleSpec['bagging']>
  /** The meta learner, where `ensembles` lists stacking. Default: validation rows, 5 folds, rate 0.01, no decay, as many steps as a student takes. */
  readonly stacking?: Partial<StackingSpec>
  /** Divide numbers by their standard deviation over the training rows; without, they are only centred. Default true. */
  readonly standardizeFeatures?: boolean
  /** Straighten skewed features by an inverse hyperbolic sine before. Default true, false without `standardizeFeatures`. */
  readonly unskew?: boolean
  /** Standardised features end at ± so many; 0 for no end. Default 5, 0 without `standardizeFeatures`. */
  readonly clip?: number
  /** Learn (y - mean) / sd of a regression's outputs instead of y. Default true. */
  readonly standardizeTarget?: boolean
  /** Rows a PCA is fitted on: `train`, or `train+validation` as the authors' code. Default train. */
  readonly pcaRows?: (typeof PCA_ROWS)[number]
  /** Divide PCA scores by one common number so that they are as large as standardised features. Default true. */
  readonly unitPca?: boolean
  /** Where validation rows are drawn (`folds`), their share: of all rows, or of the training rows where a split is given. Default 0.15; 0.2 of a given train part. */
  readonly validation?: number
  /** Share of the training rows that is held out to find how sure predictions are (`createAssessor`). Default none: cross-fitted, all of them tell. */
  readonly calibration?: number
  /** Share of rows for testing where no split is given. Default 0.15. */
  readonly test?: number
  /** Trains also where a feature is the outcome itself. Default false: that is refused. */
  readonly allowLeakage?: boolean
  /** What to compare with, by name (`baselines/baselines.ts`); true for the usual ones. Default true. */
  readonly baselines?: boolean | readonly string[]
}

export const PCA_ROWS = ['train', 'train+validation'] as const

/** How a network is trained on a modality alone, with the students' optimizer but for its rate and decay. */
export interface EncoderCourse {
  readonly epochs: number
  readonly rate: number
  readonly decay: number
}

/** The network that a modality's cuts come from; widths are hidden … latents, the longest cut's. */
export interface Encoder extends EncoderCourse {
  readonly modality: number
  readonly widths: readonly number[]
}

/** Every setting decided. */
export interface Resolved {
  readonly seed: number
  readonly extractors: readonly (readonly Extractor[])[]
  readonly encoders: readonly Encoder[]
  readonly budget: number
  readonly folds: number
  readonly repeats: number
  readonly solved: readonly Solver[]
  readonly heads: readonly (readonly number[])[]
  readonly activation: Activation
  readonly rho: readonly number[]
  readonly epochs: number
  readonly batch: number
  readonly optimizer: OptimizerSpec
  readonly schedule: Schedule
  readonly patience: number
  readonly dropout: number
  readonly modalityDropout: number
  readonly labelSmoothing: number
  readonly doubt: number
  readonly classWeights: ClassWeights
  readonly warmStart: WarmStart
  readonly chooseRho: RhoChoice
  readonly teaching: Teaching
  readonly ensembles: readonly Rule[]
  readonly average: Average
  readonly greedy: Required<GreedySpec>
  readonly bagging: EnsembleSpec['bagging']
  readonly stacking: StackingSpec
  readonly standardizeFeatures: boolean
  readonly unskew: boolean
  readonly clip: number
  readonly standardizeTarget: boolean
  readonly pcaRows: (typeof PCA_ROWS)[number]
  readonly unitPca: boolean
  readonly baselines: boolean | readonly string[]
}

/** What defaults depend on. */
export interface Shape {
  readonly task: 'classification' | 'regression'
  /** Names and prepared features of the modalities. */
  readonly modalities: readonly { readonly name: string; readonly features: number }[]
  /** Validation rows, and whether those are the training rows, in folds. */
  readonly validation: number
  readonly crossed?: boolean
  /** Training rows, and how many of them have each modality. */
  readonly rows: number
  readonly rowsOf: readonly number[]
  /** Of a classification. */
  readonly classes?: readonly string[]
  /** Rows that a PCA of each modality is fitted on; `rowsOf` when left out. */
  readonly pcaRowsOf?: readonly number[]
}

/** Sharing strengths where none are given. */
export const RHO: readonly number[] = [0, 0.99, 3]
/** The same where they are cross-fitted: the third costs as much as the second and was never better than it. */
export const CROSSED_RHO: readonly number[] = [0, 0.99]

/** Decides every setting for a data set. That the settings are fit for it is for `checkConfig` before and `checkFit` after. */
export function resolveConfig(config: TrainConfig, shape: Shape): Resolved {
  const { rows, modalities, crossed = false } = shape
  const batch = config.batch ?? (rows < 150 ? 32 : 64)
  const steps = Math.ceil(rows / batch)
  const { kind = 'adamw', ...optimizer } = given(config.optimizer)
  const epochs = config.epochs ?? defaultEpochs(steps)
  const greedy = { best: 3, prune: 0.2, most: 30, metric: 'loss' as const, shrink: crossed ? 200 : 0, ...given(config.greedy) }
  const schedule = given<Schedule>(config.schedule ?? { kind: 'constant' }) as Schedule
  const ensembles = config.ensembles ?? usualRules(shape.task)
  const decay = optimizer.decay ?? (kind === 'adamw' ? 0.01 : 0)
  const listed = new Map(Object.entries(config.extractors ?? {}))
  const extractors = modalities.map(({ name, features }, m): readonly Extractor[] => {
    // A modality without a feature to learn from is looked at by nobody.
    if (features === 0) return [{ kind: 'skip' }]
    const names = listed.get(name) ?? listed.get('*')
    return names ? names.map(parseExtractor) : defaultExtractors(features, shape.rowsOf[m])
  })
  const courses = new Map(Object.entries(config.encoders ?? {}))
  const encoders = extractors.flatMap((list, modality): Encoder[] => {
    const widths = longestCut(list)?.widths
    if (!widths) return []
    const own = { ...given(courses.get('*')), ...given(courses.get(modalities[modality].name)) }
    return [{ modality, widths, epochs, rate: ADAM.rate, decay, ...own }]
  })
  return {
    seed: config.seed ?? 0,
    extractors,
    encoders,
    budget: config.budget ?? (crossed ? 32 : 64),
    folds: crossed ? config.folds || 5 : 0,
    repeats: config.repeats ?? 1,
    solved: config.solved ?? (crossed ? SOLVERS : []),
    heads: headsOf(config.head) ?? (rows < MANY ? [[128], [64, 64]] : [[256], [128, 128]]),
    activation: config.activation ?? 'relu',
    rho: config.rho ?? (crossed ? CROSSED_RHO : RHO),
    epochs,
    batch,
    optimizer: { ...ADAM, rate: 0.003, ...optimizer, decay, kind },
    schedule,
    patience: config.patience ?? 0,
    dropout: config.dropout ?? (crossed && shape.task === 'classification' ? 0.2 : 0),
    modalityDropout: config.modalityDropout ?? 0,
    labelSmoothing: config.labelSmoothing ?? 0,
    classWeights:
      typeof config.classWeights === 'object'
        ? (given(config.classWeights) as Record<string, number>)
        : (config.classWeights ?? 'none'),
    warmStart: config.warmStart ?? (crossed || config.solved?.length ? 'none' : 'first'),
    chooseRho: config.chooseRho ?? 'ensemble',
    teaching: { ...BY_CLUSTER, normalizer: 'all', burnIn: 0, ...given(config.teaching) },
    ensembles,
    average: config.average ?? 'logits',
    doubt: config.doubt ?? (crossed && !undoubted(shape, ensembles) ? 0.005 : 0),
    greedy: { ...greedy, best: Math.min(greedy.best, greedy.most) },
    bagging: { share: 0.6, ...given(config.bagging) },
    stacking: resolveStacking(config.stacking, epochs, batch, shape),
    ...resolveManner(config),
    standardizeTarget: config.standardizeTarget ?? true,
    pcaRows: config.pcaRows ?? 'train',
    unitPca: config.unitPca ?? true,
    baselines: config.baselines ?? true,
  }
}

/** Why no modality can be doubted; undefined where one can. */
export function undoubted({ task, modalities }: Shape, ensembles: readonly Rule[]): string | undefined {
  if (task === 'regression') return 'since the target is a regression'
  if (!ensembles.includes('greedy')) return 'since only the greedy ensemble doubts, which is not among the ensembles'
  if (modalities.length < 2) return 'since a single modality has nothing that it could contradict'
  if (modalities.length > DOUBTED_UP_TO) return `since there are more than ${DOUBTED_UP_TO} modalities`
  return undefined
}

const headsOf = (head: TrainConfig['head']): readonly (readonly number[])[] | undefined => {
  if (head === undefined) return undefined
  const lists = head.filter((item) => Array.isArray(item))
  return lists.length > 0 ? (lists as (readonly number[])[]) : [head as readonly number[]]
}

/** How features are prepared. */
export function resolveManner({
  standardizeFeatures = true,
  unskew,
  clip,
}: TrainConfig): Pick<Resolved, 'standardizeFeatures' | 'unskew' | 'clip'> {
  return { standardizeFeatures, unskew: unskew ?? standardizeFeatures, clip: clip ?? (standardizeFeatures ? CLIP : 0) }
}

/** Further from the mean than that is mostly a value that is rare or wrong. */
const CLIP = 5

/** From so many training rows on heads are twice as wide. */
const MANY = 2000

/** Passes of so many steps each: enough steps for few rows, passes for many, and an end for very many. */
const defaultEpochs = (steps: number): number =>
  Math.min(100, Math.max(Math.ceil(600 / steps), Math.min(40, Math.max(10, Math.ceil(12_000 / steps)))))

/** On validation rows, which are fewer, by default as many steps as on training rows. */
function resolveStacking(
  asked: TrainConfig['stacking'],
  epochs: number,
  batch: number,
  { rows, validation }: Shape,
): StackingSpec {
  const stacking = { rows: 'validation' as const, rate: META_RATE, decay: 0, folds: 5, ...given(asked) }
  const passes = Math.ceil(rows / batch) / Math.ceil(validation / batch)
  return { epochs: stacking.rows === 'validation' ? Math.ceil(epochs * Math.max(1, passes)) : epochs, ...stacking }
}

/**
 * Above the students' rate: the network is small, and in as many steps as theirs it does not arrive with 0.001. At the authors' 0.1 a
 * step of Adam is as large as the first weights are, ± 1 / √(students · outputs).
 */
const META_RATE = 0.01

/** The settings that are set: one that is undefined would hide its default. */
const given = <T extends object>(settings: Partial<T> = {}): Partial<T> =>
  Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)) as Partial<T>

/** Components of a default PCA: 32, or what the rows carry; a modality with hardly more features than that is used raw only. */
function defaultExtractors(features: number, rows: number): Extractor[] {
  const components = Math.min(32, Math.floor(rows / 8))
  const list: Extractor[] = [{ kind: 'skip' }, { kind: 'raw' }]
  if (components >= 2 && features > 2 * components) list.push({ kind: 'pca', components })
  if (features > 16) list.push({ kind: 'mlp', widths: [32, 16] })
  return list
}

/** The cut that has all layers of its network; the first of equals. */
export const longestCut = (list: readonly Extractor[]): Cut | undefined =>
  list.filter(isCut).reduce<Cut | undefined>((most, e) => (most && most.widths.length >= e.widths.length ? most : e), undefined)

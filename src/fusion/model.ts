import { ConfigError } from '../core/errors.ts'
import type { Preparation } from '../data/prepare.ts'
import { ableStudents, type Pattern } from './availability.ts'
import type { Calibration } from './calibration.ts'
import type { Doubt } from './doubt.ts'
import { builtRules, type Ensembles, type Rule, weightsByLoss } from './ensemble.ts'
import type { Projection } from './projection.ts'
import { type Student, type StudentSpec, studentOf } from './student.ts'

/** A trained student. */
export interface ModelStudent {
  /** `mri:pca(30)+csf:raw` */
  readonly name: string
  readonly spec: StudentSpec
  /** Its parameters, in the order of its layout. */
  readonly block: Float32Array
  /** Best validation task loss: mean squared error of standardised outputs, or cross-entropy. */
  readonly loss: number
  /** Its weight as a teacher, 0 if it was none. */
  readonly teacher: number
}

/** What is predicted. A regression's students predict (y - mean) / scale. */
export type ModelTarget =
  | { readonly task: 'classification'; readonly classes: readonly string[] }
  | {
      readonly task: 'regression'
      readonly outputs: readonly string[]
      readonly mean: Float64Array
      readonly scale: Float64Array
    }

/** How a split came about: drawn with the seed and these `fractions` (no validation rows: cross-fitted), or given under a `name`, if it has one. */
export interface SplitRecord {
  readonly source: 'drawn' | 'given' | 'given, validation drawn'
  readonly fractions?: { readonly validation: number; readonly test: number }
  /** `FILE:COLUMN` */
  readonly name?: string
}

/** Where a model comes from: for people and for `inspect`; prediction does not look at it. */
export interface Provenance {
  /** Version of the library that trained it. */
  readonly library: string
  readonly title: string
  readonly seed: number
  /** Trained by relaxed SIMD: the same seed gives the same bits on the same kind of processor only. */
  readonly numerics?: 'fast'
  /** Fingerprint of the data set, and of its ids alone, in whatever order. */
  readonly digest: string
  readonly subjects: string
  /** The split: rows of each part, and a fingerprint of the test ids, so that a later score on other rows is noticed. */
  readonly split: SplitRecord & {
    readonly train: number
    readonly validation: number
    /** Rows that were held out for sets and intervals. */
    readonly calibration?: number
    readonly test: number
    readonly testIds: string
  }
  /** The resolved configuration. */
  readonly config: Readonly<Record<string, unknown>>
  /** The sharing strength chosen, and the validation loss that each one tried was chosen by. */
  readonly rho: number
  readonly rhoLosses: readonly { readonly rho: number; readonly loss: number }[]
  readonly notes: readonly string[]
  /** What Meta Fusion and everything it was compared with scored on the test rows (`keptScores`), null for who predicted none; files before 0.4 lack it. */
  readonly scores?: readonly MethodScores[]
}

/** A method's scores by name, NaN where one is not known. */
export interface MethodScores {
  readonly name: string
  readonly test: Readonly<Record<string, number>> | null
}

/** A fusion model: numbers, never policies. Plain data, equal bit for bit after being written and read. */
export interface Model {
  readonly preparations: readonly Preparation[]
  readonly projections: readonly Projection[]
  readonly target: ModelTarget
  readonly students: readonly ModelStudent[]
  readonly ensembles: Ensembles
  /** How many students a pattern without an ensemble of its own is predicted by: greedy's starting set. */
  readonly best: number
  /** Weights lie on a grid of 8 bits a row (`quantize`), which files make use of. */
  readonly precision?: 'int8'
  /** What sets and intervals are made of (`createAssessor`); left out where there were no rows for it. */
  readonly calibration?: Calibration
  readonly provenance: Provenance
}

/** Outputs of each student: classes, or values. */
export const modelOutputs = (target: ModelTarget): readonly string[] =>
  target.task === 'classification' ? target.classes : target.outputs

/** A model's student worked out. @param features prepared features of each modality */
export const memberOf = (student: ModelStudent, features: readonly number[]): Student => studentOf(student.spec, features)

/** The rule that a model predicts by unless another is asked for: greedy, if it was built. */
export const ownRule = ({ ensembles }: Model): Rule => builtRules(ensembles)[0]

/** What a model believes of modalities when it predicts by a rule: only greedy, Meta Fusion's own, doubts them. */
export const doubtOf = ({ ensembles }: Pick<Model, 'ensembles'>, rule: Rule): Doubt | undefined =>
  rule === 'greedy' ? ensembles.doubt : undefined

/** What of a model says how its students are combined. */
export interface Combining extends Pick<Model, 'ensembles' | 'best'> {
  readonly students: readonly Pick<ModelStudent, 'spec' | 'loss'>[]
}

/** How a model combines its students for a pattern: as listed, or by their losses; undefined when none can speak. @throws ConfigError for a rule that the model lacks */
export function patternWeights(
  { students, ensembles, best }: Combining,
  rule: Rule,
): (pattern: Pattern) => Float32Array | undefined {
  const built = builtRules(ensembles)
  const weights = built.includes(rule) ? ensembles.weights[rule] : undefined
  if (!weights) throw new ConfigError(`the model has no rule ${JSON.stringify(rule)}: it has ${built.join(', ')}`)
  const specs = students.map((s) => s.spec)
  const losses = students.map((s) => s.loss)
  const listed = new Map(ensembles.patterns.map((pattern, p) => [pattern, p]))
  return (pattern) => {
    const mine = listed.get(pattern)
    if (mine !== undefined) return weights[mine]
    const able = ableStudents(specs, pattern).filter((i) => Number.isFinite(losses[i]))
    return able.length > 0 ? weightsByLoss(rule, losses, able, best) : undefined
  }
}

import { type Assessment, REASONS } from '../../src/fusion/assess.ts'
import { suspects, suspicion } from '../../src/fusion/doubt.ts'
import type { Rule } from '../../src/fusion/ensemble.ts'
import { type Model, modelOutputs } from '../../src/fusion/model.ts'
import type { Prediction } from '../../src/fusion/predictor.ts'
import { listed } from './refusal.ts'
import type { Asked } from './sheet.ts'

/** A row's answer; of a regression `values` in place of `prediction` and `probabilities`. */
export interface RowAnswer {
  readonly id: string | null
  /** The most probable class. Null, as all that is predicted, where the model abstains. */
  readonly prediction?: string | null
  /** By class; shares of the votes, of a rule that votes. */
  readonly probabilities?: Readonly<Record<string, number>> | null
  /** By output, in the target's units. */
  readonly values?: Readonly<Record<string, number>> | null
  /** Who was asked, by falling weight. */
  readonly students: readonly { readonly name: string; readonly weight: number }[]
  /** Modalities of the model that the row lacks. */
  readonly missing: readonly string[]
  /** Of a model that doubts: modalities that may be somebody else's (`suspects`). */
  readonly suspects?: readonly string[]
  /** And how likely it is that one is; null where nothing is predicted. */
  readonly suspicion?: number | null
  /** Why nothing is predicted; null where something is. */
  readonly abstained: string | null
  /** With a level: the classes of which one is the true one with that probability; null where nothing is predicted, as what follows. */
  readonly set?: readonly string[] | null
  /** With a level, of a regression: by output, ends that the true value is between; null for an end that is not known. */
  readonly interval?: Readonly<Record<string, { readonly low: number | null; readonly high: number | null }>> | null
  /** With a level: how far apart the students are. */
  readonly disagreement?: number | null
  /** With a level: whether the row is unlike those of training. */
  readonly outOfDistribution?: boolean
  /** With a level: why not to rely on the answer; null where nothing speaks against it. */
  readonly caution?: string | null
}

export interface Answer {
  readonly rule: Rule
  /** The level, if one was asked for. */
  readonly level?: number
  readonly rows: readonly RowAnswer[]
  readonly notes: readonly string[]
}

/** What goes back for a prediction, its rows in the order asked. */
export function answerOf({ target }: Model, rule: Rule, { ids, notes }: Asked, prediction: Prediction | Assessment): Answer {
  const { outputs, values, labels, patternOf, patterns } = prediction
  const D = outputs.length
  const rows = ids.map((id, row): RowAnswer => {
    const { students, missing } = patterns[patternOf[row]]
    const numbers = values.subarray(row * D, (row + 1) * D)
    const abstained = whyNot(students.length, missing, numbers)
    const named = abstained === null ? Object.fromEntries(outputs.map((name, d) => [name, numbers[d]])) : null
    const said =
      target.task === 'regression' ? { values: named } : { prediction: named && outputs[labels![row]], probabilities: named }
    const sure = 'level' in prediction ? sureOf(prediction, row, abstained === null) : {}
    const { doubts } = prediction
    const doubt = doubts
      ? { suspects: suspects(prediction, row), suspicion: abstained === null ? suspicion(doubts, row) : null }
      : {}
    return { id, ...said, students, missing, ...doubt, abstained, ...sure }
  })
  return { rule, ...('level' in prediction ? { level: prediction.level } : {}), rows, notes }
}

/** What a level adds to a row. */
function sureOf(assessment: Assessment, row: number, said: boolean): Partial<RowAnswer> {
  const { outputs, sets, low, high, disagreement, outOfDistribution, abstained } = assessment
  const D = outputs.length
  const end = (v: number) => (Number.isFinite(v) ? v : null)
  const reason = abstained[row]
  return {
    ...(sets ? { set: said ? outputs.filter((_, d) => sets[row * D + d]) : null } : {}),
    ...(low && high
      ? {
          interval: said
            ? Object.fromEntries(outputs.map((name, d) => [name, { low: end(low[row * D + d]), high: end(high[row * D + d]) }]))
            : null,
        }
      : {}),
    disagreement: said ? disagreement[row] : null,
    outOfDistribution: outOfDistribution[row] === 1,
    caution: reason ? REASONS[reason] : null,
  }
}

function whyNot(students: number, missing: readonly string[], numbers: Float64Array): string | null {
  if (students === 0 && missing.length > 0) return `no student of the model can do without ${listed(missing, 20)}`
  if (students === 0) return 'no student of the model can speak'
  if (!numbers.every(Number.isFinite)) return 'its numbers are so far from those of training that there is no finite prediction'
  return null
}

export type Outcome = { readonly classes: readonly string[] } | { readonly outputs: readonly string[] }

/** Names of what is predicted, under the word for it. */
export const outcomeOf = ({ target }: Model): Outcome =>
  target.task === 'classification' ? { classes: modelOutputs(target) } : { outputs: modelOutputs(target) }

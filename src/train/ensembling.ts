import type { Pattern } from '../fusion/availability.ts'
import {
  type Average,
  argmax,
  byLoss,
  type Ensembles,
  inverseLoss,
  type Rule,
  type Selection,
  weightsByLoss,
} from '../fusion/ensemble.ts'
import { scoreClassification } from '../metrics/classification.ts'
import { scoreRegression } from '../metrics/regression.ts'
import type { TrainKernels } from '../wasm/kernels.ts'
import type { Pointer } from '../wasm/memory.ts'
import type { Random } from '../wasm/random.ts'
import type { Session } from '../wasm/session.ts'
import { ENOUGH_ROWS } from './problem.ts'
import { scaleOf } from './scale.ts'

/** What a greedy selection may go by: the task loss, or a score of `metrics/`. Of a regression's outputs as they are learned. */
export const GREEDY_METRICS = {
  classification: ['loss', 'accuracy', 'balanced-accuracy', 'macro-f1', 'auc'],
  regression: ['loss', 'mae', 'r2'],
} as const
export type GreedyMetric = (typeof GREEDY_METRICS)['classification' | 'regression'][number]

/**
 * Greedy selection: it starts with the `best` students by their losses, leaves out the worst `prune` of them, and has at most
 * `most`. Additions must better the `metric`; the loss when left out.
 */
export interface GreedySpec {
  readonly best: number
  readonly prune: number
  readonly most: number
  readonly metric?: GreedyMetric
  /** Rows at which the selection and the average of all but the worst students weigh the same; 0, or left out: selection alone. */
  readonly shrink?: number
}

/** Which rules are built, and how. Bagging draws a `share` of the number of students. */
export interface EnsembleSpec {
  readonly rules: readonly Rule[]
  readonly average: Average
  readonly greedy: GreedySpec
  readonly bagging: { readonly share: number }
  /** Lists of students whose averages greedy may take as if they were students: late fusion, for one. None when left out. */
  readonly teams?: (members: readonly number[]) => readonly (readonly number[])[]
}

/** Outputs (M, rows, outputs) of a cohort on validation rows, what they should be (labels, or values (rows, outputs)), and row weights. */
export interface Judged {
  readonly outputs: Float32Array
  readonly students: number
  readonly target: Int32Array | Float32Array
  readonly width: number
  /** What each row counts in a loss; 1 when left out. */
  readonly weights?: ArrayLike<number>
}

/** Students' outputs in session memory, where the kernels judge them. */
export interface Jury {
  /** Mean task loss of each student alone. */
  readonly losses: Float64Array
  /** What is to be lowered, of the average of those taken, and i with them if given: everyone weighs 1 / loss. */
  loss(i?: number): number
  /** Takes student i into the average. */
  take(i: number): void
  close(): void
}

/** @param metric what the jury goes by; a score that is better the higher is turned round */
export function juryOf(
  { kernels, memory }: Session<TrainKernels>,
  { outputs, students, target, width, weights }: Judged,
  { average = 'logits', metric = 'loss' }: { readonly average?: Average; readonly metric?: GreedyMetric } = {},
): Jury {
  const mark = memory.mark()
  const rows = outputs.length / students / width
  const size = rows * width
  const all = memory.put(outputs)
  const wanted = memory.put(target)
  const sum = weights ? Array.from(weights).reduce((total, w) => total + w, 0) : rows
  const rowWeight = memory.put(Float32Array.from({ length: rows }, (_, b) => (weights ? weights[b] : 1) / sum))
  // The weighted sum of those taken, and behind it the next one: the two arrays that weightedSum adds.
  const pair = memory.alloc(8 * size)
  const mix = memory.alloc(4 * size)
  const factors = memory.alloc(8)
  const chances = metric !== 'loss' && target instanceof Int32Array ? memory.alloc(4 * size) : mix
  const lossOf = (at: Pointer) =>
    target instanceof Int32Array
      ? kernels.crossEntropyLabels(at, wanted, rowWeight, rows, width)
      : kernels.squaredError(at, wanted, rowWeight, rows, width) / width
  const losses = Float64Array.from({ length: students }, (_, i) => lossOf(all + 4 * i * size))
  const worth = inverseLoss(losses, Array.from(losses.keys()))
  const logits = target instanceof Int32Array && average === 'logits'
  if (target instanceof Int32Array && !logits) kernels.softmax(all, all, students * rows, width)
  function judge(): number {
    if (metric === 'loss') {
      return target instanceof Int32Array && !logits ? kernels.logLossLabels(mix, wanted, rowWeight, rows, width) : lossOf(mix)
    }
    if (logits) kernels.softmax(chances, mix, rows, width)
    return SIGN[metric] * scoreOf(memory.f32(logits ? chances : mix, size), target, width, metric)
  }
  memory.f32(pair, 2 * size).fill(0)
  let taken = 0
  const add = (i: number | undefined, divisor: number) => {
    if (i !== undefined) memory.copy(pair + 4 * size, all + 4 * i * size, 4 * size)
    memory.f32(factors, 2).set([1 / divisor, i === undefined ? 0 : worth[i] / divisor])
    kernels.weightedSum(mix, pair, factors, 2, size)
  }
  return {
    losses,
    loss(i) {
      add(i, taken + (i === undefined ? 0 : worth[i]))
      return judge()
    },
    take(i) {
      add(i, 1)
      memory.copy(pair, mix, 4 * size)
      taken += worth[i]
    },
    close: () => memory.release(mark),
  }
}

/** Selection lowers what it goes by. */
const SIGN: Readonly<Record<GreedyMetric, 1 | -1>> = {
  loss: 1,
  mae: 1,
  r2: -1,
  accuracy: -1,
  'balanced-accuracy': -1,
  'macro-f1': -1,
  auc: -1,
}

/** A score of probabilities or values (rows, width). */
function scoreOf(values: Float32Array, target: Judged['target'], width: number, metric: GreedyMetric): number {
  if (!(target instanceof Int32Array)) {
    const { mae, r2 } = scoreRegression(values, target, width)
    return metric === 'mae' ? mae : r2
  }
  const predicted = target.map((_, row) => argmax(values, row * width, width))
  const { accuracy, balancedAccuracy, macroF1, auc } = scoreClassification(values, predicted, target, width)
  if (metric === 'accuracy') return accuracy
  if (metric === 'balanced-accuracy') return balancedAccuracy
  return metric === 'macro-f1' ? macroF1 : auc
}

/** The students but the worst, best first. */
function unpruned(losses: Float64Array, prune: number): number[] {
  const ranked = byLoss(losses, Array.from(losses.keys()))
  return ranked.slice(0, Math.max(1, Math.floor(ranked.length * (1 - prune))))
}

/** A greedy selection and the weights of its members. Its trace is what the jury went by, so it falls. */
export interface Greedy extends Selection {
  readonly weights: Float32Array
}

/**
 * Greedy selection (Caruana et al., ICML 2004) without replacement: from the best students on, the one that lowers most
 * what the jury goes by is added while it lowers it at all. Members weigh 1 / validation loss.
 */
export function greedy(jury: Jury, { best, prune, most }: GreedySpec): Greedy {
  const { losses } = jury
  const kept = unpruned(losses, prune)
  const members = kept.slice(0, best)
  for (const i of members) jury.take(i)
  const trace = [jury.loss()]
  while (members.length < Math.min(most, kept.length)) {
    let next = -1
    let lowest = trace[trace.length - 1]
    for (const i of kept) {
      const loss = members.includes(i) ? lowest : jury.loss(i)
      if (loss < lowest) {
        lowest = loss
        next = i
      }
    }
    if (next < 0) break
    jury.take(next)
    members.push(next)
    trace.push(lowest)
  }
  return { members, trace, weights: inverseLoss(losses, members) }
}

/**
 * A bag of students (Breiman, 1996): as many draws, with replacement, as `share` of their number; each weighs by how often it was
 * drawn.
 */
export function bag(students: number, share: number, random: Random): Float32Array {
  const draws = Math.max(1, Math.floor(share * students))
  const weights = new Float32Array(students)
  for (let n = 0; n < draws; n++) weights[random.below(students)]++
  return weights.map((times) => times / draws)
}

const rowsOf = ({ outputs, students, width }: Judged): number => outputs.length / students / width

/**
 * A selection out of few rows is much luck: it is drawn towards the average of all but the worst students, who weigh 1 / loss, the more
 * the fewer rows there are.
 */
function shrunk(losses: Float64Array, selected: Float32Array, rows: number, { prune, shrink = 0 }: GreedySpec): Float32Array {
  if (shrink === 0) return selected
  const average = inverseLoss(losses, unpruned(losses, prune))
  const belief = rows / (rows + shrink)
  return selected.map((w, i) => belief * w + (1 - belief) * average[i])
}

/** Rows at which half of what a team's outputs say of their scale is believed. */
const BELIEF = 50

/** The same where teams are candidates, too: each as sure as it should be. Their weights become their students'. */
function withTeams(
  session: Session<TrainKernels>,
  judged: Judged,
  average: Average,
  spec: GreedySpec,
  teams: readonly (readonly number[])[],
): Float32Array {
  const { outputs, students: M, target, width, weights: counts } = judged
  const rows = rowsOf(judged)
  const size = rows * width
  const all = new Float32Array((M + teams.length) * size)
  all.set(outputs)
  const scales = teams.map((team, t) => {
    const mean = all.subarray((M + t) * size, (M + t + 1) * size)
    for (const i of team) for (let k = 0; k < size; k++) mean[k] += outputs[i * size + k] / team.length
    const { scale } = scaleOf(session, mean, target, width, counts, rows / (rows + BELIEF))
    for (let k = 0; k < size; k++) mean[k] *= scale
    return scale
  })
  const jury = juryOf(session, { ...judged, outputs: all, students: M + teams.length }, { average, metric: spec.metric })
  const mixed = shrunk(jury.losses, greedy(jury, spec).weights, rows, spec)
  jury.close()
  const weights = new Float64Array(mixed.subarray(0, M))
  teams.forEach((team, t) => {
    for (const i of team) weights[i] += (mixed[M + t] * scales[t]) / team.length
  })
  const sum = weights.reduce((total, w) => total + w, 0)
  return Float32Array.from(weights, (w) => w / sum)
}

/** Weights of every rule for students who all see the judged rows, and how greedy chose. */
export function weigh(
  session: Session<TrainKernels>,
  judged: Judged,
  { rules, average, greedy: spec, bagging }: EnsembleSpec,
  random: Random,
  teams?: readonly (readonly number[])[],
): { weights: Map<Rule, Float32Array>; selection?: Selection } {
  const jury = juryOf(session, judged, { average, metric: spec.metric })
  const everyone = Array.from(jury.losses.keys())
  const chosen = rules.includes('greedy') && !teams ? greedy(jury, spec) : undefined
  const weightsOf = (rule: Rule): Float32Array => {
    if (rule === 'greedy' && chosen) return shrunk(jury.losses, chosen.weights, rowsOf(judged), spec)
    if (rule === 'greedy') return withTeams(session, judged, average, spec, teams ?? [])
    if (rule === 'bagging') return bag(everyone.length, bagging.share, random)
    return weightsByLoss(rule, jury.losses, everyone, spec.best)
  }
  const weights = new Map(rules.map((rule) => [rule, weightsOf(rule)]))
  jury.close()
  if (!chosen) return { weights }
  const sign = SIGN[spec.metric ?? 'loss']
  const trace = chosen.trace.map((v) => (Number.isFinite(v) ? sign * v : Number.NaN))
  return { weights, selection: { members: chosen.members, trace } }
}

/** Six modalities have 63 patterns: all are asked about. With more, those that occur and those that will: one modality lost, or alone. */
const ALL_PATTERNS_UP_TO = 6

/** Of patterns that occur, so many have ensembles of their own: random gaps in many modalities make about as many patterns as rows. */
export const MOST_PATTERNS = 256

/**
 * The patterns that may be worth an ensemble of their own.
 * @param seen patterns of training and validation rows, each as often as it occurs
 * @param most of more than six modalities, of how many of these the most frequent are taken
 */
export function patternsWorth(modalities: number, seen: Iterable<Pattern>, most = Number.POSITIVE_INFINITY): Pattern[] {
  if (modalities > ALL_PATTERNS_UP_TO) {
    const [full, none] = ['1'.repeat(modalities), '0'.repeat(modalities)]
    const each = Array.from(full, (_, m) => m)
    const without = each.map((m) => `${full.slice(m + 1)}0${full.slice(0, m)}`)
    const alone = each.map((m) => `${none.slice(m + 1)}1${none.slice(0, m)}`)
    const times = new Map<Pattern, number>()
    for (const pattern of seen) times.set(pattern, (times.get(pattern) ?? 0) + 1)
    // Of equals, the first by name: the order of rows decides nothing.
    const frequent = [...times].sort(([p, a], [q, b]) => b - a || (p < q ? 1 : -1)).slice(0, most)
    const all = new Set([full, ...without, ...alone, ...frequent.map(([pattern]) => pattern)])
    all.delete(none)
    return [...all].sort().reverse()
  }
  const count = 2 ** modalities - 1
  return Array.from({ length: count }, (_, i) => (count - i).toString(2).padStart(modalities, '0'))
}

/**
 * Weights of every rule for every pattern. A pattern's students are judged on the validation rows that all of them see, so that
 * each is judged on the same rows. A pattern with fewer than ENOUGH_ROWS is not listed: its weights are `weightsByLoss`.
 * @param judged outputs on the validation rows, whose patterns are `rows`
 * @param able students that can speak for a pattern
 * @param losses validation losses of the students, each over the rows it sees
 * @param random bagging draws from a stream of its own for every pattern
 * @yields before each pattern, of the rows and of those asked about
 */
export function* ensemblesOf(
  session: Session<TrainKernels>,
  judged: Judged,
  rows: readonly Pattern[],
  patterns: readonly Pattern[],
  able: (pattern: Pattern) => number[],
  losses: Float64Array,
  spec: EnsembleSpec,
  random: Random,
): Generator<undefined, Ensembles> {
  const listed: Pattern[] = []
  const kinds = yield* kindsOf(rows, able, judged.students)
  const weights: Partial<Record<Rule, Float32Array[]>> = Object.fromEntries(spec.rules.map((rule) => [rule, []]))
  const selections: Selection[] = []
  for (const pattern of patterns) {
    yield
    const members = able(pattern).filter((i) => Number.isFinite(losses[i]))
    if (members.length === 0) continue
    const common = commonRows(kinds, members)
    if (common.length < ENOUGH_ROWS) continue
    listed.push(pattern)
    const places = new Map(members.map((student, i) => [student, i]))
    const teams = spec.teams?.(members).map((team) => team.map((student) => places.get(student) as number))
    const found = weigh(session, part(judged, members, common), spec, random.fork(pattern), teams)
    for (const [rule, mine] of found.weights) {
      const whole = new Float32Array(losses.length)
      members.forEach((student, i) => {
        whole[student] = mine[i]
      })
      weights[rule]?.push(whole)
    }
    if (found.selection) {
      selections.push({ ...found.selection, members: found.selection.members.map((i) => members[i]) })
    }
  }
  return {
    patterns: listed,
    weights,
    average: spec.average,
    // Of a selection among teams, too, there is no list of students.
    ...(spec.rules.includes('greedy') && !spec.teams ? { selections } : {}),
  }
}

/** Validation rows with the same modalities: which, and 1 for each student that can speak for them. */
interface Kind {
  readonly rows: readonly number[]
  readonly speaks: Uint8Array
}

function* kindsOf(
  rows: readonly Pattern[],
  able: (pattern: Pattern) => number[],
  students: number,
): Generator<undefined, Kind[]> {
  const byPattern = new Map<Pattern, number[]>()
  rows.forEach((pattern, row) => {
    const same = byPattern.get(pattern)
    if (same) same.push(row)
    else byPattern.set(pattern, [row])
  })
  const kinds: Kind[] = []
  for (const [pattern, mine] of byPattern) {
    yield
    const speaks = new Uint8Array(students)
    for (const i of able(pattern)) speaks[i] = 1
    kinds.push({ rows: mine, speaks })
  }
  return kinds
}

/** The validation rows for which all members can speak, upwards. */
const commonRows = (kinds: readonly Kind[], members: readonly number[]): number[] =>
  kinds
    .filter(({ speaks }) => members.every((i) => speaks[i]))
    .flatMap((kind) => kind.rows)
    .sort((a, b) => a - b)

/** The outputs of some students on some rows. */
export function part(
  { outputs, students, target, width, weights }: Judged,
  members: readonly number[],
  rows: readonly number[],
): Judged {
  const all = outputs.length / students / width
  const chosen = new Float32Array(members.length * rows.length * width)
  members.forEach((student, i) => {
    rows.forEach((row, b) => {
      const at = (student * all + row) * width
      chosen.set(outputs.subarray(at, at + width), (i * rows.length + b) * width)
    })
  })
  const per = target instanceof Int32Array ? 1 : width
  const wanted = target instanceof Int32Array ? new Int32Array(rows.length) : new Float32Array(rows.length * width)
  rows.forEach((row, b) => {
    wanted.set(target.subarray(row * per, (row + 1) * per), b * per)
  })
  return { outputs: chosen, students: members.length, target: wanted, width, weights: weights && rows.map((row) => weights[row]) }
}

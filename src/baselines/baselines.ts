// Everything Meta Fusion is compared with, by name: the configuration, the recipe and the command line take their names from here.

import type { Dataset } from '../data/dataset.ts'
import type { StudentSpec } from '../fusion/student.ts'
import { refuse } from '../train/check-config.ts'
import { adversarial } from './adversarial.ts'
import { trainedAtOnce } from './all-at-once.ts'
import { cooperative, cooperativeReference } from './cooperative.ts'
import { earlyFusion } from './early-fusion.ts'
import { independent } from './independent.ts'
import { joint, jointBestEpoch } from './joint.ts'
import { lateFusion, lateSum } from './late-fusion.ts'
import { negativeCorrelation } from './negative-correlation.ts'
import { oracle } from './oracle.ts'
import { ridge } from './ridge.ts'
import type { Baseline, Ground } from './rival.ts'
import { shapley } from './shapley.ts'
import { single } from './single.ts'

export const BASELINES: Readonly<Record<string, Baseline>> = {
  independent,
  ridge,
  'early-fusion': earlyFusion,
  'late-fusion': lateFusion,
  'late-sum': lateSum,
  single,
  cooperative,
  'cooperative-reference': cooperativeReference,
  oracle,
  adversarial,
  joint,
  'joint-best-epoch': jointBestEpoch,
  shapley,
  'negative-correlation': negativeCorrelation,
  'all-at-once': trainedAtOnce,
}

/** A baseline that was asked for, and which of its rivals. */
export interface Asked {
  readonly name: string
  readonly baseline: Baseline
  readonly wants: (rival: string) => boolean
}

/**
 * The baselines that are asked for, in the order of the record: by name, the usual ones (true), or none. `single` is every modality,
 * `single:<modality>` one.
 * @param crossed whether there are no validation rows but folds
 * @throws ConfigError for a name that is unknown, or that does not fit the data set or the ρ
 */
export function askedBaselines(
  asked: boolean | readonly string[],
  data: Dataset,
  rho: readonly number[],
  crossed = false,
): Asked[] {
  const all = Object.entries(BASELINES)
  const refusalOf = ({ refusal, validates }: Baseline) =>
    refusal?.(data, rho) ?? (crossed && validates ? 'needs validation rows, so set folds to 0' : undefined)
  const names =
    asked === true ? all.filter(([, { usual, refusal }]) => usual && !refusal?.(data, rho)).map(([name]) => name) : asked
  if (names === false) return []
  const alone = data.modalities.map(({ name }) => `single:${name}`)
  for (const name of names) {
    const reason = Object.hasOwn(BASELINES, name) ? refusalOf(BASELINES[name]) : alone.includes(name) ? undefined : 'is unknown'
    if (reason === undefined) continue
    const allowed = all.filter(([, other]) => !refusalOf(other)).map(([other]) => other)
    refuse('baselines', name, `${[...allowed, ...alone].join(', ')}; "${name}" ${reason}`)
  }
  return all.flatMap(([name, baseline]) => {
    if (names.includes(name)) return [{ name, baseline, wants: () => true }]
    const some = name === 'single' && names.some((n) => alone.includes(n))
    return some ? [{ name, baseline, wants: (rival: string) => names.includes(rival) }] : []
  })
}

/** The students that the baselines train, each as often as they do; a training that several share counts once. */
export const trainedBy = (asked: readonly Asked[], ground: Ground): StudentSpec[] =>
  [...new Set(asked.map(({ baseline }) => baseline.trains))].flatMap((trains) => trains(ground))

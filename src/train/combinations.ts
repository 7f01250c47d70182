import { type Extractor, extractorName } from '../fusion/extractor.ts'
import type { Random } from '../wasm/random.ts'

/** How a student looks at each modality, in their order. */
export type Combination = readonly Extractor[]

/**
 * The combinations of extractors that become students: one per modality, all but the empty one, the last modality fastest.
 *
 * There are exponentially many. Where they are more than `budget`, the cohort is every single modality, all modalities
 * together and every leave-one-out, with each modality's first extractor; then draws without repetition over the rest, of
 * every number of modalities alike, until the budget is full. So 25 modalities remain practical. Every single modality and all
 * together always take part, even beyond the budget.
 * @param lists the extractors of each modality; without `skip` among them a modality is always used
 */
export function combinations(lists: readonly (readonly Extractor[])[], budget: number, random: Random): Combination[] {
  const total = lists.reduce((n, list) => n * list.length, 1) - (lists.every(maySkip) ? 1 : 0)
  if (total <= budget) return [...product(lists)].filter(notEmpty)
  const chosen = new Map<string, Combination>()
  const take = (combination: Combination) => {
    if (notEmpty(combination)) chosen.set(combination.map(extractorName).join(' '), combination)
  }
  const M = lists.length
  const combine = (used: (m: number) => boolean) => lists.map((list, m) => (used(m) || !maySkip(list) ? firstUse(list) : SKIP))
  for (let m = 0; m < M; m++) take(combine((other) => other === m))
  take(combine(() => true))
  for (const m of random.permutation(M)) if (chosen.size < budget) take(combine((other) => other !== m))

  // Draws may meet what is there already; where little is left over, the rest is taken in order instead.
  for (let draws = 0; chosen.size < budget && draws < 100 * budget; draws++) {
    const used = new Set(random.permutation(M).subarray(0, 1 + random.below(M)))
    take(
      lists.map((list, m) => {
        const uses = list.filter((e) => e.kind !== 'skip')
        return uses.length > 0 && (used.has(m) || !maySkip(list)) ? uses[random.below(uses.length)] : SKIP
      }),
    )
  }
  for (const combination of product(lists)) {
    if (chosen.size >= budget) break
    take(combination)
  }
  return [...chosen.values()]
}

const SKIP: Extractor = { kind: 'skip' }
const maySkip = (list: readonly Extractor[]): boolean => list.some((e) => e.kind === 'skip')
const notEmpty = (combination: Combination): boolean => combination.some((e) => e.kind !== 'skip')
const firstUse = (list: readonly Extractor[]): Extractor => list.find((e) => e.kind !== 'skip') ?? SKIP

/** All tuples, the last list fastest. */
function* product(lists: readonly (readonly Extractor[])[]): Generator<Combination> {
  if (lists.length === 0) {
    yield []
    return
  }
  const [first, ...rest] = lists
  for (const extractor of first) for (const tail of product(rest)) yield [extractor, ...tail]
}

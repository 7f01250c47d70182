import { describe, expect, test } from 'vitest'
import { byLoss, inverseLoss, noEnsembles, RULES, rulesOf, usualRules, weightsByLoss } from '../../src/fusion/ensemble.ts'

const f = (...values: number[]) => Float32Array.from(values)

describe('weights by the inverse of the loss', () => {
  test('over the members alone, and sum to 1', () => {
    expect(inverseLoss([1, 2, 4, 0.1], [0, 1, 2])).toEqual(f(4 / 7, 2 / 7, 1 / 7, 0))
    expect(inverseLoss([1, 2, 4, 0.1], [2])).toEqual(f(0, 0, 1, 0))
    expect(inverseLoss([3], [0])).toEqual(f(1))
  })

  test('a loss of 0 counts as 1e-12', () => {
    expect(inverseLoss([0, 1e-12, 3e-12], [0, 1, 2])).toEqual(f(3 / 7, 3 / 7, 1 / 7))
    expect(inverseLoss([0, 0], [0, 1])).toEqual(f(0.5, 0.5))
  })

  test('a loss of ∞ has no weight', () => {
    expect(inverseLoss([1, Number.POSITIVE_INFINITY], [0, 1])).toEqual(f(1, 0))
  })

  test('the unit of the loss does not matter', () => {
    const losses = [0.3, 0.7, 1.9]
    expect(
      inverseLoss(
        losses.map((l) => l * 1024),
        [0, 1, 2],
      ),
    ).toEqual(inverseLoss(losses, [0, 1, 2]))
  })
})

test('members by loss, the first of equals first', () => {
  expect(byLoss([3, 1, 2, 1, 0], [0, 1, 2, 3])).toEqual([1, 3, 2, 0])
  const members = [2, 0]
  byLoss([5, 0, 1], members)
  expect(members).toEqual([2, 0])
})

describe('rules by loss alone', () => {
  const losses = [4, 1, 2, 1, 8, 0.5]
  const able = [0, 1, 2, 3, 4]

  test('simple average: all that can speak', () => {
    expect(weightsByLoss('simple-average', losses, able, 3)).toEqual(f(0.2, 0.2, 0.2, 0.2, 0.2, 0))
  })

  test('weighted average: all by the inverse of their loss', () => {
    expect(weightsByLoss('weighted-average', losses, able, 3)).toEqual(inverseLoss(losses, able))
  })

  test('best single: the first of the best', () => {
    expect(weightsByLoss('best-single', losses, able, 3)).toEqual(f(0, 1, 0, 0, 0, 0))
  })

  test('greedy: its starting set', () => {
    expect(weightsByLoss('greedy', losses, able, 3)).toEqual(f(0, 0.4, 0.2, 0.4, 0, 0))
    expect(weightsByLoss('greedy', losses, [0, 4], 3)).toEqual(f(2 / 3, 0, 0, 0, 1 / 3, 0))
  })

  test.each(RULES)('%s sums to 1', (rule) => {
    for (const members of [able, [2], [4, 0]]) {
      expect(weightsByLoss(rule, losses, members, 3).reduce((sum, w) => sum + w, 0)).toBeCloseTo(1, 6)
    }
  })
})

test('no ensembles: of the rules named, for no pattern', () => {
  const { patterns, weights, average } = noEnsembles(['simple-average', 'bagging'], 'probabilities')
  expect(patterns).toEqual([])
  expect(weights).toEqual({ 'simple-average': [], bagging: [] })
  expect(average).toBe('probabilities')
  expect(Object.keys(noEnsembles().weights)).toEqual(usualRules('regression'))
})

test('a regression has no votes, and bagging and stacking are built on request', () => {
  expect(rulesOf('classification')).toEqual(RULES)
  expect(RULES.filter((rule) => !rulesOf('regression').includes(rule))).toEqual(['majority-vote', 'weighted-vote'])
  expect(usualRules('regression')).toEqual(['greedy', 'best-single', 'simple-average', 'weighted-average'])
  expect(RULES.filter((rule) => !usualRules('classification').includes(rule))).toEqual(['bagging', 'stacking'])
})

test('votes and bagging, where only losses are known, weigh as the averages do', () => {
  const [losses, able] = [
    [4, 1, 2, 1, 8],
    [0, 2, 4],
  ]
  const by = (rule: (typeof RULES)[number]) => weightsByLoss(rule, losses, able, 3)
  expect(by('weighted-vote')).toEqual(by('weighted-average'))
  for (const rule of ['majority-vote', 'bagging', 'stacking'] as const) expect(by(rule)).toEqual(by('simple-average'))
})

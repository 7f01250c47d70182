// Every ensemble of the authors' own code on the outputs they recorded: averages, votes, greedy, and the meta learner step by step.

import { describe, expect, test } from 'vitest'
import { argmax, combine, inverseLoss, type Rule, rulesOf, weightsByLoss } from '../../src/fusion/ensemble.ts'
import { metaLearner, runMeta } from '../../src/fusion/stacking.ts'
import type { Judged } from '../../src/train/ensembling.ts'
import { trainMeta } from '../../src/train/stacking.ts'
import { randomFrom } from '../../src/wasm/random.ts'
import { finish } from '../finish.ts'
import { trainSession } from '../kernels/kernels.ts'
import { combineOutputs } from '../train/combine.ts'
import { close, GREEDY, recording, score, TEST_MSE } from './case.ts'

/** What the recording's README suggests for another float32 implementation: weights absolute, losses relative. */
const META = 2e-3

const session = trainSession()
const { memory } = session

interface Layer {
  readonly name: string
  readonly shape: readonly number[]
  readonly offset: number
}
interface Meta {
  readonly rho: number
  readonly train_loss: number[]
  readonly val_loss: number[]
  readonly lr: number
  readonly best_epoch: number
}
interface Expected {
  readonly meta: Record<string, Meta>
  readonly stages: Record<string, { best_epoch: number[] }>
  readonly best_rho: number
  readonly test: Record<string, number>
  readonly test_indep: Record<string, number>
}

/** A student's outputs by definition, in f64: extractors named `model` end without an activation, those without with a ReLU. */
function outputsOf(
  layout: readonly Layer[],
  block: Float32Array,
  inputs: readonly Float32Array[],
  dims: readonly number[],
  used: readonly string[],
) {
  const rows = inputs[0].length / dims[0]
  const dense = (x: number[], { shape: [outs, ins], offset }: Layer, relu: boolean) =>
    Array.from({ length: outs }, (_, o) => {
      let sum = block[offset + outs * ins + o]
      for (let k = 0; k < ins; k++) sum += block[offset + o * ins + k] * x[k]
      return relu ? Math.max(0, sum) : sum
    })
  const network = (x: number[], prefix: string, last: boolean) => {
    const layers = layout.filter(({ name }) => name.startsWith(prefix) && name.endsWith('weight'))
    return layers.reduce((values, layer, l) => dense(values, layer, last || l < layers.length - 1), x)
  }
  return Array.from({ length: rows }, (_, row) => {
    const read = dims.map((width, m) => Array.from(inputs[m].subarray(row * width, (row + 1) * width)))
    const seen = read.flatMap((x, m) =>
      used[m] === 'none' ? [] : used[m] === 'full' ? x : network(x, `registered_extractors.${m}.`, used[m] === 'sliced'),
    )
    return network(seen, 'combined_model.', false)
  }).flat()
}

const NAMES: Readonly<Record<string, Rule>> = {
  greedy_ensemble: 'greedy',
  best_single: 'best-single',
  simple_average: 'simple-average',
  weighted_average: 'weighted-average',
  majority_voting: 'majority-vote',
  weighted_voting: 'weighted-vote',
}

describe.each(['case1_regression_mlp', 'case2_classification_kl', 'case4_classification_sliced'])('%s', (name) => {
  const recorded = recording(name)
  const layouts: Layer[][] = recorded.json.expect.students.map((s: { layout: Layer[] }) => s.layout)
  const pipelines: [string, Expected][] = [['expect', recorded.json.expect]]
  if (recorded.json.expect.cold) pipelines.push(['cold', recorded.json.expect.cold])
  const setting = () => {
    const { json } = recorded
    const tensor = (key: string) => recorded.tensor(key).values as Float32Array
    const D: number = json.config.output_dim
    const y = (split: string) => tensor(`data/${split}/y`)
    const judged = (split: string, outputs: Float32Array): Judged => ({
      outputs,
      students: layouts.length,
      target: y(split),
      width: D,
    })
    return { json, tensor, D, y, judged }
  }
  /** A regression's scores within a tolerance, a classification's exactly. */
  const same = (mine: number, theirs: number, what: string, tolerance: number) =>
    recorded.json.config.task_type === 'classification'
      ? expect(mine, what).toBe(theirs)
      : close([mine], [theirs], tolerance, what, true)

  test('every average, vote and selection of recorded outputs', () => {
    const { json, tensor, D, y, judged } = setting()
    const task = json.config.task_type as 'classification' | 'regression'
    for (const [prefix, expected] of pipelines) {
      for (const [rho, theirs] of [
        [expected.best_rho, expected.test],
        [0, expected.test_indep],
      ] as const) {
        const all = combineOutputs(
          session,
          {
            validation: judged('val', tensor(`${prefix}/rho${rho}/val_outputs`)),
            test: tensor(`${prefix}/rho${rho}/test_outputs`),
          },
          { rules: rulesOf(task), average: 'logits', greedy: GREEDY, bagging: { share: 0.6 } },
          randomFrom(session, 1),
        )
        const named = Object.entries(NAMES).filter(([key]) => key in theirs)
        expect(named).toHaveLength(task === 'classification' ? 6 : 4)
        for (const [key, rule] of named) {
          // The authors' independent cohort is combined by the selection of the sharing one.
          if (rule === 'greedy' && theirs === expected.test_indep) continue
          same(score(all.get(rule)!, y('test'), D), theirs[key], `${prefix} ρ ${rho} ${key}`, TEST_MSE)
        }
      }
    }
  })

  test('the meta learner: losses of every epoch, the best epoch and its weights, test scores', () => {
    const { json, tensor, D, y, judged } = setting()
    const M = layouts.length
    const everyone = Array.from({ length: M }, (_, i) => i)
    for (const [prefix, expected] of pipelines) {
      const start = prefix === 'expect' ? '' : 'cold_'
      for (const [key, meta] of Object.entries(expected.meta)) {
        const stage = `${prefix}/rho${meta.rho}`
        const best = expected.stages[`rho${meta.rho}`].best_epoch
        const parts = ['train', 'val'].map((split) => {
          const inputs = json.dims.map((_: number, m: number) => tensor(`data/${split}/mod${m}`))
          return layouts.map((layout, i) => {
            const block = tensor(`${stage}/epoch${best[i]}/student${i}`)
            return outputsOf(layout, block, inputs, json.dims, json.expect.students[i].extractors)
          })
        })
        close(parts[1].flat(), tensor(`${stage}/val_outputs`), 1e-4, `${stage} validation outputs`)
        const outputs = Float32Array.from(everyone.flatMap((i) => [...parts[0][i], ...parts[1][i]]))
        const n = y('train').length
        const labels = y('train') instanceof Int32Array
        const target = new (labels ? Int32Array : Float32Array)([...y('train'), ...y('val')]) as Float32Array
        const orders = tensor(`order/${start}${key}`) as unknown as Int32Array
        const {
          losses,
          bestEpoch,
          epochs,
          best: kept,
        } = finish(
          trainMeta(
            session,
            { ...judged('val', outputs), target },
            Int32Array.from(y('val'), (_, i) => n + i),
            {
              epochs: meta.val_loss.length,
              batch: json.batch,
              rate: meta.lr,
              decay: 0,
              start: tensor(`init/${start}${key}`),
              order: (epoch) => orders.subarray(epoch * n, (epoch + 1) * n),
            },
          ),
        )
        const what = `${prefix} ${key}`
        close(
          epochs.map((e) => e.train.task[0]),
          meta.train_loss,
          META,
          `${what} train loss`,
          true,
        )
        close(
          epochs.map((e) => e.validation.task[0]),
          meta.val_loss,
          META,
          `${what} validation loss`,
          true,
        )
        expect(bestEpoch[0], what).toBe(meta.best_epoch)
        expect(losses[0]).toBe(Math.min(...epochs.map((e) => e.validation.task[0])))
        close(kept[0].block, tensor(`${prefix}/${key}/epoch${meta.best_epoch}`), META, `${what} weights`)

        const rows = y('test').length
        const mark = memory.mark()
        const said = memory.put(tensor(`${stage}/test_outputs`))
        const out = memory.alloc(4 * rows * D)
        runMeta(session, out, said, everyone, metaLearner(M, D), memory.put(kept[0].block), rows)
        const theirs = key === 'meta_best' ? expected.test : expected.test_indep
        same(score(memory.f32(out, rows * D), y('test'), D), theirs.meta_learner, `${what} test`, META)
        memory.release(mark)
      }
    }
  })
})

const { json: units, tensor } = recording('units')

describe('votes', () => {
  const votes: number[][] = units.majority_ties.votes
  const losses: number[] = units.weighted_voting_ties.val_losses
  const C = 4
  const B = votes[0].length
  /** Shares of the votes, (B, C). */
  function shares(rule: Rule): Float32Array {
    const mark = memory.mark()
    const said = memory.put(
      Float32Array.from(votes.flatMap((mine) => mine.flatMap((k) => [0, 1, 2, 3].map((c) => (c === k ? 2 : -1))))),
    )
    const out = memory.alloc(4 * B * C)
    const weights = weightsByLoss(rule, losses, [0, 1, 2, 3], 3)
    combine(session, out, said, [weights], rule, { task: 'classification', average: 'logits' }, B, C)
    const result = memory.f32(out, B * C).slice()
    memory.release(mark)
    return result
  }
  const winners = (rule: Rule) => Array.from({ length: B }, (_, b) => argmax(shares(rule), b * C, C))

  test('a tie of the majority goes to the smallest class', () => {
    expect(winners('majority-vote')).toEqual(units.majority_ties.torch_mode)
  })

  test('weighted votes: the shares, and a tie goes to the smallest class', () => {
    expect(inverseLoss(losses, [0, 1, 2, 3])).toEqual(Float32Array.from(units.weighted_voting_ties.weights))
    close(shares('weighted-vote'), units.weighted_voting_ties.scores.flat(), 1e-7, 'shares')
    expect(winners('weighted-vote')).toEqual(units.weighted_voting_ties.argmax)
  })

  test('accuracies', () => {
    const { labels, result } = units.voting_accuracy
    expect(score(shares('majority-vote'), Int32Array.from(labels), C)).toBe(result.majority_voting)
    expect(score(shares('weighted-vote'), Int32Array.from(labels), C)).toBe(result.weighted_voting)
  })

  test.each([2, 3])('of the recorded cohort greedy/%d', (i) => {
    const { values: outputs, shape } = tensor(`greedy/${i}/outputs`)
    const target = tensor(`greedy/${i}/target`).values as Int32Array
    const validation = { outputs: outputs as Float32Array, students: shape[0], target, width: shape[2] }
    const rules = ['majority-vote', 'weighted-vote'] as const
    const spec = { rules, average: 'logits', greedy: GREEDY, bagging: { share: 0.6 } } as const
    const all = combineOutputs(session, { validation, test: outputs as Float32Array }, spec, randomFrom(session, 1))
    const theirs = units.greedy[i].test_on_same_data
    expect(score(all.get('majority-vote')!, target, shape[2])).toBe(theirs.majority_voting)
    expect(score(all.get('weighted-vote')!, target, shape[2])).toBe(theirs.weighted_voting)
  })
})

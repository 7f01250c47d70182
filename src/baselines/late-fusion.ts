import { ableStudents, type Pattern } from '../fusion/availability.ts'
import { sumEnsembles } from '../fusion/ensemble.ts'
import type { Model } from '../fusion/model.ts'
import { patternsWorth } from '../train/ensembling.ts'
import type { Setting } from '../train/setting.ts'
import { type Baseline, notForClasses } from './rival.ts'
import { trainSingles, trainsSingles } from './single.ts'

/** The mean of the single-modality networks' outputs or logits, of those that can speak. */
export const lateFusion: Baseline = {
  usual: true,
  trains: trainsSingles,
  *train(arena) {
    return [{ name: 'late-fusion', model: yield* trainSingles(arena), rule: 'simple-average' }]
  },
}

/**
 * The sum of the single-modality networks' outputs, of those that can speak: right where the outcome is a sum of independent parts,
 * one in each modality. What is summed are distances from the mean outcome of the training rows, so that it is counted once.
 */
export const lateSum: Baseline = {
  usual: true,
  refusal: notForClasses,
  trains: trainsSingles,
  *train(arena) {
    return [
      {
        name: 'late-sum',
        model: addedUp(arena.setting, centred(arena.setting, yield* trainSingles(arena))),
        rule: 'simple-average',
      },
    ]
  },
}

/** The same model, its students saying how far they are from the mean of the target over the training rows. */
function centred({ wanted, splits, resolved }: Setting, model: Model): Model {
  const { target } = model
  // A standardised target has the mean 0.
  if (resolved.standardizeTarget || target.task !== 'regression') return model
  const D = target.outputs.length
  const { train } = splits
  const mean = target.mean.map((_, d) => train.reduce((sum, row) => sum + wanted[row * D + d], 0) / train.length)
  const students = model.students.map((student) => {
    // The biases of the outputs stand at the end of a block.
    const block = student.block.slice()
    const biases = block.subarray(block.length - D)
    for (let d = 0; d < D; d++) biases[d] -= mean[d]
    return { ...student, block }
  })
  return { ...model, students, target: { ...target, mean: target.mean.map((v, d) => v + mean[d]) } }
}

/**
 * A model whose students are terms of a sum, in every pattern of the data set and those that are likely elsewhere. Alone a student
 * predicts nothing: its loss is ∞, so that no other pattern is predicted.
 */
export function addedUp({ names, patterns }: Setting, model: Model): Model {
  const specs = model.students.map(({ spec }) => spec)
  const able = (pattern: Pattern) => ableStudents(specs, pattern)
  const students = model.students.map((student) => ({ ...student, loss: Number.POSITIVE_INFINITY }))
  return { ...model, students, ensembles: sumEnsembles(patternsWorth(names.length, new Set(patterns)), specs.length, able) }
}

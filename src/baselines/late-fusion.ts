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
 * one in each modality. Outputs are of the standardised target, so the mean of the outcome is counted once; without
 * standardising (`standardizeTarget: false`) it is counted as often as there are networks.
 */
export const lateSum: Baseline = {
  usual: true,
  refusal: notForClasses,
  trains: trainsSingles,
  *train(arena) {
    return [{ name: 'late-sum', model: addedUp(arena.setting, yield* trainSingles(arena)), rule: 'simple-average' }]
  },
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

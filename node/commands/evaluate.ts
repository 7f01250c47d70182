import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { defineCommand } from 'citty'
import { DataError } from '../../src/core/errors.ts'
import { type Dataset, idsDigest } from '../../src/data/dataset.ts'
import { readModel } from '../../src/formats/model-file.ts'
import { builtRules, methodName } from '../../src/fusion/ensemble.ts'
import { evaluate } from '../../src/fusion/evaluate.ts'
import type { Model } from '../../src/fusion/model.ts'
import { chooseSplits } from '../../src/recipe/choose-splits.ts'
import { createPredictor, kernels } from '../../web/index.ts'
import { expectedOf, readModelFile } from '../model.ts'
import { evaluationJson, scoreTable } from '../report.ts'
import { counted } from '../sentences.ts'
import type { FixedSplits } from '../split-file.ts'
import { readFolder } from '../tables.ts'

export const evaluateCommand = defineCommand({
  meta: {
    name: 'evaluate',
    description: 'Score a model on the test rows of a folder, or on all rows of one it was not trained on',
  },
  args: {
    model: { type: 'positional', required: true, description: 'Model file' },
    dir: { type: 'positional', required: true, description: 'Folder with the files and labels' },
    split: { type: 'string', valueHint: 'file:column', description: 'Column of a CSV in the folder that says train or test' },
    json: { type: 'boolean', description: 'Print one JSON object instead of the table' },
  },
  async run({ args }) {
    const model = readModelFile(args.model, readModel)
    const { data, splits, notes } = await readFolder(args.dir, {
      expected: expectedOf(model),
      split: args.split ?? ownSplit(model, args.dir),
    })
    if (args.split && splits?.test.length === 0) {
      throw new DataError(
        `"${args.split}" has no test row among those of "${args.dir}": write test for some, or leave --split out`,
      )
    }
    const { rows, which } = rowsToScore(model, data, splits, args.split !== undefined)
    const methods = builtRules(model.ensembles).map((rule) => ({
      name: methodName(rule),
      test: evaluate(createPredictor(model, rule).predict(data, rows), data.target, rows),
    }))
    const say = args.json ? console.error : console.log
    for (const note of notes) say(note)
    if (args.json) return console.log(JSON.stringify(evaluationJson(model.target.task, rows.length, which, methods)))
    console.log(`${counted(rows.length, 'row')}: ${which}\n`)
    for (const line of scoreTable(methods, rows.length)) console.log(line)
  },
})

/** The split the model was trained with, if the folder has its file. */
function ownSplit({ provenance }: Model, folder: string): string | undefined {
  const { name } = provenance.split
  return name && existsSync(join(folder, name.slice(0, name.lastIndexOf(':')))) ? name : undefined
}

/**
 * The rows to score: the test part of the folder's split, or that which was drawn when the model was trained; every row of a
 * folder with other subjects and no split. Rows that the model has learned from are never scored unknowingly.
 */
function rowsToScore(
  model: Model,
  data: Dataset,
  given: FixedSplits | undefined,
  asked: boolean,
): { rows: Int32Array; which: string } {
  const { split, seed, subjects } = model.provenance
  const all = Int32Array.from(data.ids.keys())
  const parted = given && given.test.length > 0
  if (subjects !== idsDigest(data, all)) {
    return parted
      ? { rows: given.test, which: `the test part of the split; ${STRANGERS}` }
      : { rows: all, which: `all of them; ${STRANGERS}` }
  }
  // A split that the model drew itself goes before one that the folder has come by since.
  if (split.fractions && !asked) {
    const { test } = chooseSplits(kernels('train'), data, { seed, ...split.fractions }).splits
    if (idsDigest(data, test) === split.testIds) return { rows: test, which: 'the test part drawn when the model was trained' }
    throw new DataError(
      'the folder has the subjects the model was trained on, in another order or with other labels, so its test part cannot be drawn again: give the folder as it was',
    )
  }
  const how = split.name
    ? `--split ${split.name}`
    : split.fractions
      ? 'no --split'
      : '--split with the column it was trained with'
  if (!parted) throw new DataError(`the model was trained on subjects of this folder, which says not which: give ${how}`)
  if (idsDigest(data, given.test) !== split.testIds) {
    throw new DataError(`the model was trained on some of the test rows of "${given.name}": score it with ${how}`)
  }
  return { rows: given.test, which: 'the test part of the split' }
}

const STRANGERS = 'the model was trained on another set of subjects, make sure that none of these was among them'

// What a folder of tables means: said in its dataset.json, or else by the names of the files.

import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import * as v from 'valibot'
import { DataError, FormatError } from '../src/core/errors.ts'
import type { Target } from '../src/data/dataset.ts'
import { beginningOf, readText } from './files.ts'
import { parseJson } from './json.ts'
import { listed } from './sentences.ts'
import { ENDINGS, stemOf } from './table-file.ts'

const MANIFEST = 'dataset.json'

const Name = v.pipe(v.string('a text'), v.nonEmpty('a text that is not empty'))
const Names = v.pipe(v.array(Name, 'a list of names'), v.nonEmpty('a list with at least one name'))

const Manifest = v.strictObject({
  title: v.optional(v.string('a text')),
  id: v.optional(Name),
  task: v.optional(v.picklist(['classification', 'regression'], '"classification" or "regression"')),
  modalities: v.optional(v.record(Name, Name, 'an object of names and files')),
  target: v.optional(v.strictObject({ file: Name, column: v.optional(Name), columns: v.optional(Names) })),
  split: v.optional(v.strictObject({ file: Name, column: Name })),
  group: v.optional(v.strictObject({ file: Name, column: Name })),
  categorical: v.optional(v.record(Name, Names, 'an object of modalities and lists of columns')),
})

/** A column of a file in the folder. */
export interface Place {
  readonly file: string
  readonly column: string
}

/** Which file of a folder is what. Whatever dataset.json leaves out follows from the files' names. */
export interface Plan {
  readonly title?: string
  /** The column of ids, in every file. */
  readonly id: string
  readonly task?: Target['task']
  readonly modalities: readonly { readonly name: string; readonly file: string }[]
  /** Without `columns`: `label` if there is such a column, else all but the ids. */
  readonly target?: { readonly file: string; readonly columns?: readonly string[] }
  readonly split?: Place
  /** What the rows are of: rows of one group stay in one part of a split. */
  readonly group?: Place
  /** Columns to read as categories, by modality. */
  readonly categorical: ReadonlyMap<string, readonly string[]>
  readonly notes: readonly string[]
}

/**
 * Reads dataset.json and fills in what it leaves out: the ids are in `id`, the target in labels.csv, the split in column `split` of
 * split.csv, and every other table (`ENDINGS`) that is not named split… is a modality, unless `predict` has written it. Labels and
 * split may be tables of any format, too.
 * @param split `FILE:COLUMN` (or `FILE`, for its column `split`) instead of the split in dataset.json
 * @throws DataError when there is no such folder or no modality; FormatError for what is wrong in dataset.json
 */
export function readPlan(folder: string, split?: string): Plan {
  const there = statSync(folder, { throwIfNoEntry: false })
  if (!there) throw new DataError(`there is no folder "${folder}"`)
  if (!there.isDirectory()) throw new DataError(`"${folder}" is no folder: give one that holds a CSV file per modality`)

  const manifest = existsSync(join(folder, MANIFEST)) ? readManifest(join(folder, MANIFEST)) : {}
  const labels = manifest.target ? undefined : onlyFile(folder, 'labels')
  const target = targetOf(manifest) ?? (labels ? { file: labels } : undefined)
  const parts = split ? placeOf(split) : (manifest.split ?? splitByName(folder))
  const notes: string[] = []
  const modalities = manifest.modalities
    ? Object.entries(manifest.modalities).map(([name, file]) => ({ name, file }))
    : tables(folder, [target?.file, manifest.split?.file, manifest.group?.file, parts?.file], notes)
  if (modalities.length === 0) throw new DataError(`"${folder}" holds no modality: give it a CSV file per modality`)
  if (!manifest.modalities)
    notes.push(
      `modalities are the files ${listed(
        modalities.map(({ file }) => file),
        20,
      )}`,
    )

  const { title, id = 'id', task, group } = manifest
  const categorical = new Map(Object.entries(manifest.categorical ?? {}))
  for (const name of categorical.keys()) {
    if (modalities.some((modality) => modality.name === name)) continue
    throw new FormatError(
      `${MANIFEST}: "categorical" names "${name}", the modalities are ${listed(
        modalities.map((m) => m.name),
        20,
      )}`,
    )
  }
  return { title, id, task, modalities, target, split: parts, group, categorical, notes }
}

/** The files of a model's modalities, as far as they are there. @throws DataError when none is */
export function modelFiles(
  folder: string,
  plan: Plan,
  modalities: readonly { readonly modality: string }[],
): { files: ReadonlyMap<string, string>; notes: readonly string[] } {
  const files = new Map(
    plan.modalities.filter(({ file }) => existsSync(join(folder, file))).map(({ name, file }) => [name, file]),
  )
  const names = modalities.map(({ modality }) => modality)
  if (!names.some((name) => files.has(name))) {
    throw new DataError(
      `"${folder}" holds none of the model's modalities, which are ${listed(names, 20)}: give the file of one at least`,
    )
  }
  const unknown = [...files].filter(([name]) => !names.includes(name))
  return { files, notes: unknown.map(([name, file]) => `${file}: ignored, the model does not know modality "${name}"`) }
}

function readManifest(path: string): v.InferOutput<typeof Manifest> {
  const value = parseJson(MANIFEST, readText(path, MANIFEST))
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new FormatError(`${MANIFEST} must be an object: {…}`)
  const read = v.safeParse(Manifest, value)
  if (!read.success) throw new FormatError(`${MANIFEST}: ${sentenceOf(read.issues[0])}`)
  return read.output
}

function sentenceOf(issue: v.InferIssue<typeof Manifest>): string {
  const path = v.getDotPath(issue) ?? ''
  if (issue.type !== 'strict_object') return `"${path}" is ${issue.received}, it must be ${issue.message}`
  if (issue.expected === 'never') return `"${path}" is no known key, remove it or correct its name`
  if (issue.expected === 'Object') return `"${path}" is ${issue.received}, it must be an object`
  return `"${path}" is missing`
}

function targetOf({ target }: v.InferOutput<typeof Manifest>): Plan['target'] {
  if (!target) return undefined
  if ((target.column === undefined) === (target.columns === undefined)) {
    throw new FormatError(`${MANIFEST}: give "target" either a "column" or "columns"`)
  }
  return { file: target.file, columns: target.columns ?? [target.column!] }
}

function placeOf(split: string): Place {
  const colon = split.lastIndexOf(':')
  return colon < 0 ? { file: split, column: 'split' } : { file: split.slice(0, colon), column: split.slice(colon + 1) }
}

function splitByName(folder: string): Place | undefined {
  const file = onlyFile(folder, 'split')
  return file === undefined ? undefined : { file, column: 'split' }
}

/** The table of a name, in whatever format. @throws DataError when there are several */
function onlyFile(folder: string, stem: string): string | undefined {
  const [first, second] = ENDINGS.map((ending) => `${stem}.${ending}`).filter((file) => existsSync(join(folder, file)))
  if (second) throw new DataError(`"${first}" and "${second}" are both there: keep one, or name one in dataset.json`)
  return first
}

/** The tables that are modalities. @throws DataError when two of them have one name */
function tables(folder: string, without: readonly (string | undefined)[], notes: string[]): { name: string; file: string }[] {
  const files = readdirSync(folder)
    .flatMap((file) => ({ file, name: stemOf(file) ?? '' }))
    .filter(({ file, name }) => /^[^.]/.test(name) && !/^(?:labels$|split)/i.test(name) && !without.includes(file))
    .sort((a, b) => (a.file < b.file ? -1 : 1))
  const predictions = files.filter(({ file }) => isPrediction(join(folder, file)))
  for (const { file } of predictions) {
    notes.push(`${file}: left out, it holds a model's predictions; name it in dataset.json if it is a modality`)
  }
  const left = files.filter((file) => !predictions.includes(file))
  for (const { file, name } of left) {
    const first = left.find((other) => other.name === name)!
    if (first.file === file) continue
    throw new DataError(`"${first.file}" and "${file}" are both modality "${name}": keep one, or name one in dataset.json`)
  }
  return left
}

/** Whether a file begins and its header ends as what `predict` writes: it is made of labels, and so no modality. */
function isPrediction(path: string): boolean {
  if (!/^"?id"?[,;\t]"?prediction/.test(beginningOf(path, 64))) return false
  const header = beginningOf(path, 2 ** 20).split(/[\r\n]/, 1)[0]
  const names = header.split(/[,;\t]/).map((name) => name.replaceAll('"', '').trim())
  return /^prediction(?:_|$)/.test(names[1]) && names.at(-2) === 'students' && names.at(-1) === 'missing'
}

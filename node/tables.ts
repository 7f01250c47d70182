// A folder of tables as a data set: one file per modality, joined on the ids.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DataError } from '../src/core/errors.ts'
import type { Dataset, Inputs, Target } from '../src/data/dataset.ts'
import { isGap } from './cells.ts'
import { modelFiles, type Plan, readPlan } from './manifest.ts'
import {
  absentModality,
  type ExpectedModality,
  foundNotes,
  joinModality,
  type ModalityFile,
  noFindings,
  readExpected,
  readModality,
} from './modality-file.ts'
import { counted, listed } from './sentences.ts'
import { type FixedSplits, readSplit, unlearned } from './split-file.ts'
import { cellAt, columnAt, type Table } from './table.ts'
import { readTable } from './table-file.ts'
import { type Outcome, readTarget, targetColumns } from './target.ts'

/** What a model must be given and what it predicts. `modalities` may be the model's preparations as they are. */
export interface Expected {
  readonly modalities: readonly ExpectedModality[]
  readonly target: Outcome
}

export interface ReadOptions {
  /** `FILE:COLUMN` in the folder, instead of the split in dataset.json; `FILE` alone means its column `split`. */
  readonly split?: string
  /** Read for this model: its modalities, columns, kinds and classes, in its order. */
  readonly expected?: Expected
  /** Whether every subject needs a target (the default) or may lack it. */
  readonly target?: 'required' | 'optional'
}

/** A folder as read. */
export interface Folder {
  readonly title?: string
  readonly inputs: Inputs
  /** Undefined when nothing is known of it; -1 or NaN for the rows that are not in `labelled`. */
  readonly target?: Target
  /** The rows whose target is known, ascending. */
  readonly labelled: Int32Array
  /** The split that the folder gives, if any. */
  readonly splits?: FixedSplits
  /** What was inferred, left out or found missing, one sentence each. */
  readonly notes: readonly string[]
}

/** A folder whose every row has a target. */
export interface LabelledFolder extends Folder {
  readonly data: Dataset
  readonly target: Target
}

/**
 * Reads a folder of one file per modality, CSV, Parquet or Arrow IPC, as its dataset.json says or else its file names (see
 * `readPlan`). The same cells are the same data set in every format.
 *
 * With `target: 'required'`, the default, the subjects are the ids of the label file; those in no modality are left out. With
 * `'optional'` the subjects are all ids of the modality files, those of the first modality first, and labels are read where
 * there are any. A subject without a row, or with a row of nothing but gaps, lacks the modality.
 *
 * With `expected` the result has exactly the model's modalities and columns. A modality may lack its file; files, columns and
 * categories that the model does not know are ignored with a note.
 * @throws DataError, FormatError in one sentence that names the file, and the line or row, column and value where there are
 */
export function readFolder(folder: string, options?: ReadOptions & { readonly target?: 'required' }): Promise<LabelledFolder>
export function readFolder(folder: string, options: ReadOptions): Promise<Folder>
export async function readFolder(folder: string, options: ReadOptions = {}): Promise<Folder> {
  const { expected } = options
  const required = options.target !== 'optional'
  const plan = readPlan(folder, options.split)
  const files = filesOf(folder)

  const split = await findSplit(files, plan, options)
  const group = await findGroup(files, plan, required && !expected)
  const target = await findTarget(folder, files, plan, options, [split, group])
  // All may stand in a modality's file, but they are no features.
  const others = (file: string) => [
    plan.id,
    ...[split, target, group].flatMap((found) => (found?.table.file === file ? found.columns : [])),
  ]
  const read = await (expected ? readForModel(folder, files, plan, expected, others) : readToLearn(files, plan, others))

  const subjects = required ? labelledIds(target!.table, read.modalities) : allIds(read.modalities)
  const { ids, left } = subjects
  const inputs = { ids, modalities: read.modalities.map((file) => joinModality(ids, file)) }
  const known =
    target && readTarget(target.table, target.columns, ids, { task: plan.task, model: expected?.target, gaps: !required })
  const fixed = split && readSplit(split.table, split.columns[0], ids, { left, learning: required && !expected })

  const result = {
    title: plan.title,
    inputs,
    target: known?.target,
    labelled: known?.labelled ?? new Int32Array(0),
    splits: fixed?.splits,
    notes: [plan, target, read, ...read.modalities, subjects, known, fixed].flatMap((part) => part?.notes ?? []),
  }
  if (!required) return result
  const everyTarget = known!.target // readTarget has thrown if an id lacks its target
  if (fixed && !expected) result.notes.push(...unlearned(everyTarget, fixed.splits))
  const groups = group && readGroups(group, ids)
  const data = { title: plan.title, ...inputs, target: everyTarget, ...(groups ? { groups } : {}) }
  const labelled: LabelledFolder = { ...result, target: everyTarget, data }
  return labelled
}

/** Columns of a file that are no features. */
interface Found {
  readonly table: Table
  readonly columns: readonly string[]
  readonly notes?: readonly string[]
}

/** The column of the split. It must be there when it is asked for, or when the folder is to be learned from. */
async function findSplit(files: Files, { id, split }: Plan, options: ReadOptions): Promise<Found | undefined> {
  if (!split) return undefined
  const must = options.split !== undefined || (options.target !== 'optional' && !options.expected)
  if (!must && !files.has(split.file)) return undefined
  const table = await files.read(split.file, id, 'the split')
  if (!must && !table.header.includes(split.column)) return undefined
  columnAt(table, split.column)
  return { table, columns: [split.column] }
}

/** The columns of the target. They must be there unless the target is optional. */
async function findTarget(
  folder: string,
  files: Files,
  { id, target }: Plan,
  options: ReadOptions,
  found: readonly (Found | undefined)[],
): Promise<Found | undefined> {
  const must = options.target !== 'optional'
  if (!must && (!target || !files.has(target.file))) return undefined
  if (!target) throw new DataError(`"${folder}" has no labels.csv: give one with the columns "${id}" and "label"`)
  const table = await files.read(target.file, id, 'the target')
  const model = options.expected?.target
  const asked = model?.task === 'regression' ? model.outputs : target.columns
  if (!must && asked?.some((column) => !table.header.includes(column))) return undefined
  const others = [id, ...found.flatMap((other) => (other?.table === table ? other.columns : []))]
  const columns = targetColumns(table, asked, others)
  const unused = asked ? [] : table.header.filter((column) => !columns.includes(column) && !others.includes(column))
  const notes = unused.length > 0 ? [`${table.file}: ${listed(unused)} not used, the target is "label"`] : []
  return { table, columns, notes }
}

/** The column of the groups. It must be there when the folder is to be learned from. */
async function findGroup(files: Files, { id, group }: Plan, must: boolean): Promise<Found | undefined> {
  if (!group || (!must && !files.has(group.file))) return undefined
  const table = await files.read(group.file, id, 'the groups')
  if (!must && !table.header.includes(group.column)) return undefined
  columnAt(table, group.column)
  return { table, columns: [group.column] }
}

/** The group of each id. @throws DataError naming ids without one */
function readGroups({ table, columns: [name] }: Found, ids: readonly string[]): string[] {
  const column = columnAt(table, name)
  const groups = ids.map((id) => {
    const row = table.rowOf.get(id)
    return row === undefined ? '' : cellAt(table, row, column)
  })
  const without = ids.filter((_, i) => isGap(groups[i]))
  if (without.length === 0) return groups
  throw new DataError(
    `${table.file} column "${name}" has no group for ${counted(without.length, 'id')} (${listed(without)}): name one for each`,
  )
}

interface Files {
  has(file: string): boolean
  /** @param role what the file is wanted for, in an error */
  read(file: string, id: string, role: string): Promise<Table>
}

/** The files of a folder; each is read once. */
function filesOf(folder: string): Files {
  const tables = new Map<string, Table>()
  const has = (file: string) => existsSync(join(folder, file))
  return {
    has,
    async read(file, id, role) {
      if (!has(file)) throw new DataError(`there is no file "${file}" in "${folder}" for ${role}`)
      const table = tables.get(file) ?? (await readTable(folder, file, id))
      tables.set(file, table)
      return table
    },
  }
}

interface ReadModalities {
  readonly modalities: readonly ModalityFile[]
  readonly notes: readonly string[]
}

async function readToLearn(
  files: Files,
  { id, modalities, categorical }: Plan,
  others: (file: string) => string[],
): Promise<ReadModalities> {
  const read: ModalityFile[] = []
  for (const { name, file } of modalities) {
    const table = await files.read(file, id, `modality "${name}"`)
    read.push(readModality(table, name, others(file), categorical.get(name) ?? []))
  }
  return { modalities: read, notes: [] }
}

async function readForModel(
  folder: string,
  files: Files,
  plan: Plan,
  model: Expected,
  others: (file: string) => string[],
): Promise<ReadModalities> {
  const there = modelFiles(folder, plan, model.modalities)
  const modalities: ModalityFile[] = []
  for (const expected of model.modalities) {
    const file = there.files.get(expected.modality)
    if (file === undefined) {
      modalities.push(absentModality(expected))
      continue
    }
    const table = await files.read(file, plan.id, `modality "${expected.modality}"`)
    const found = noFindings()
    const read = readExpected(table, expected, others(file), found)
    modalities.push({ ...read, notes: foundNotes(file, expected.modality, found) })
  }
  return { modalities, notes: there.notes }
}

interface Subjects {
  readonly ids: readonly string[]
  /** Ids that have a label and no data. */
  readonly left: ReadonlySet<string>
  readonly notes: readonly string[]
}

function labelledIds(labels: Table, modalities: readonly ModalityFile[]): Subjects {
  const ids = labels.ids.filter((id) => modalities.some(({ rowOf }) => rowOf.has(id)))
  if (ids.length === 0) {
    const first = modalities.find((modality) => modality.ids.length > 0)!
    throw new DataError(
      `no id of ${labels.file} has data: it begins with "${labels.ids[0]}", ${first.file} with "${first.ids[0]}", give both the same ids`,
    )
  }
  const known = new Set(ids)
  const left = labels.ids.filter((id) => !known.has(id))
  const notes =
    left.length > 0 ? [`${labels.file}: left out ${counted(left.length, 'id')} without any data (${listed(left)})`] : []
  for (const { file, ids: own } of modalities) {
    const strangers = own.filter((id) => !labels.rowOf.has(id))
    if (strangers.length > 0)
      notes.push(`${file}: left out ${counted(strangers.length, 'id')} that ${labels.file} does not have (${listed(strangers)})`)
  }
  return { ids, left: new Set(left), notes }
}

const allIds = (modalities: readonly ModalityFile[]): Subjects => ({
  ids: [...new Set(modalities.flatMap(({ ids }) => ids))],
  left: new Set(),
  notes: [],
})

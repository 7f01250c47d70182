// A folder as blocks of rows for a model, so that what is held at once does not grow with the folder.

import type { Inputs } from '../src/data/dataset.ts'
import { decimal } from '../src/data/levels.ts'
import { modelFiles, type Plan, readPlan } from './manifest.ts'
import {
  absentModality,
  type ExpectedModality,
  type Findings,
  foundNotes,
  joinModality,
  noFindings,
  readExpected,
} from './modality-file.ts'
import { listed } from './sentences.ts'
import { type Columns, standsTwice, tableOf } from './table.ts'
import { openTable, type Piece, readTable, type TableFile } from './table-file.ts'
import type { Expected } from './tables.ts'
import { type Outcome, targetColumns } from './target.ts'
import { BLOCK } from './values.ts'

/** A modality of the model, and its file if there is one. */
interface Source {
  readonly expected: ExpectedModality
  readonly table?: TableFile
  /** Columns that are no features. */
  readonly others: readonly string[]
  readonly found: Findings
}

/** The same, with a file. */
type There = Source & { readonly table: TableFile }

/**
 * Reads a folder for a model, block by block: all ids of the modality files, those of the model's first modality first, as
 * `readFolder` does with `target: 'optional'`. Labels and splits are not looked at.
 *
 * The files are read at the same time and joined as they go, which needs one of two: the first one has the ids of all others, in the
 * same order; or the ids of every file ascend, by their text or as numbers. A first pass over the ids finds out. Where neither is
 * so, the folder is read whole, with a note.
 * @param note is told what was left out or found missing, the most of it at the end
 * @param signal stops the reading at the next piece of a file
 * @throws DataError, FormatError in one sentence that names the file, and the line or row, column and value where there are
 */
export async function* folderRows(
  folder: string,
  expected: Expected,
  note: (sentence: string) => void,
  signal?: AbortSignal,
): AsyncGenerator<Inputs> {
  const plan = readPlan(folder)
  const { files, notes } = modelFiles(folder, plan, expected.modalities)
  for (const sentence of [...plan.notes, ...notes]) note(sentence)
  const sources: Source[] = []
  for (const modality of expected.modalities) {
    const file = files.get(modality.modality)
    const table = file === undefined ? undefined : stoppable(await openTable(folder, file, plan.id), signal)
    const others = table ? otherColumns(plan, table, expected.target) : []
    const source = { expected: modality, table, others, found: noFindings() }
    // That columns are missing is seen in the header.
    if (table) readExpected(tableOf(table, [], { rows: [], places: [] }), modality, others, noFindings())
    sources.push(source)
  }
  const there = sources.filter((source): source is There => source.table !== undefined)
  const order = await orderOf(there.map(({ table }) => table))
  if (order) {
    for (const lead of order.leads) {
      for await (const { ids, pieces } of joined(there, lead, order.before)) yield inputsOf(sources, ids, pieces)
    }
  } else {
    note(`read whole, since ${listed(there.map(({ table }) => table.file))} have their ids in different orders: sort all by id`)
    const pieces: Piece[] = []
    for (const { table } of there) pieces.push(await readTable(folder, table.file, plan.id))
    yield inputsOf(sources, [...new Set(pieces.flatMap(({ ids }) => ids))], pieces)
  }
  for (const { expected, table, found } of sources) {
    for (const sentence of table ? foundNotes(table.file, expected.modality, found) : absentModality(expected).notes)
      note(sentence)
  }
}

/** The same file, whose reading a signal stops. */
function stoppable(table: TableFile, signal: AbortSignal | undefined): TableFile {
  async function* pieces(only?: ReadonlySet<string>): AsyncGenerator<Piece> {
    for await (const piece of table.pieces(only)) {
      signal?.throwIfAborted()
      yield piece
    }
  }
  return { ...table, pieces }
}

/** Columns of a modality's file that are no features, as far as its header tells. */
function otherColumns({ id, split, group, target }: Plan, columns: Columns, model: Outcome): readonly string[] {
  const { file, header } = columns
  const known = [id, ...[split, group].flatMap((place) => (place?.file === file ? [place.column] : []))]
  if (target?.file !== file) return known
  const asked = model.task === 'regression' ? model.outputs : target.columns
  return asked?.some((column) => !header.includes(column)) ? known : [...known, ...targetColumns(columns, asked, known)]
}

/** @param pieces of the files that are there, in the order of the sources */
function inputsOf(sources: readonly Source[], ids: readonly string[], pieces: readonly Piece[]): Inputs {
  const rest = [...pieces]
  const modalities = sources.map(({ expected, table, others, found }) => {
    if (!table) return absentModality(expected)
    const piece = rest.shift()!
    return readExpected(tableOf(table, piece.ids, piece), expected, others, found)
  })
  return { ids, modalities: modalities.map((modality) => joinModality(ids, modality)) }
}

/** Whether an id stands before another in every file. */
type Before = (a: string, b: string) => boolean

interface Order {
  readonly before: Before
  /** The files whose ids lead, one pass each: of every file those that no file before it has. */
  readonly leads: readonly number[]
}

const byText: Before = (a, b) => a < b
const byNumber: Before = (a, b) => decimal(a) < decimal(b)

/** Columns to read where ids are enough. */
const IDS_ALONE: ReadonlySet<string> = new Set()

/** How the files can be joined as they are read. @throws FormatError naming an id that stands twice */
async function orderOf(files: readonly TableFile[]): Promise<Order | undefined> {
  const ascents = files.map(() => ({ rows: 0, last: undefined as string | undefined, text: true, number: true }))
  let within = true
  const cursors = files.map((file) => cursorOf(file, IDS_ALONE))
  /** Counts the row and goes on. */
  const pass = (k: number) => {
    const ascent = ascents[k]
    const id = cursors[k].id!
    const { last } = ascent
    ascent.rows++
    ascent.text &&= last === undefined || byText(last, id)
    ascent.number &&= Number.isFinite(decimal(id)) && (last === undefined || byNumber(last, id))
    ascent.last = id
    return step(cursors[k])
  }
  try {
    for (const cursor of cursors) await nextPiece(cursor)
    while (cursors[0].id !== undefined) {
      const { id } = cursors[0]
      for (let k = cursors.length - 1; k >= 0; k--) {
        const wait = cursors[k].id === id && pass(k)
        if (wait) await wait
      }
    }
    for (let k = 1; k < cursors.length; k++) {
      within &&= cursors[k].id === undefined
      while (cursors[k].id !== undefined) {
        const wait = pass(k)
        if (wait) await wait
      }
    }
  } finally {
    await close(cursors)
  }
  if (within) {
    const { rows, text, number } = ascents[0]
    if (!text && !number) await refuseTwice(files[0], rows)
    return { before: () => false, leads: [0] }
  }
  const leads = [...files.keys()]
  if (ascents.every(({ text }) => text)) return { before: byText, leads }
  return ascents.every(({ number }) => number) ? { before: byNumber, leads } : undefined
}

/** Ids that are remembered at once. */
const MOST_IDS = 2 ** 19

/** Looks for an id that stands twice, by as many passes as there are shares of ids to remember. @throws FormatError */
async function refuseTwice(file: TableFile, rows: number): Promise<void> {
  const shares = Math.ceil(rows / MOST_IDS)
  for (let share = 0; share < shares; share++) {
    const placeOf = new Map<string, number>()
    for await (const { ids, places } of file.pieces(IDS_ALONE)) {
      ids.forEach((id, i) => {
        if (shares > 1 && hashOf(id) % shares !== share) return
        const first = placeOf.get(id)
        if (first !== undefined) throw standsTwice(file, id, first, places[i])
        // A copy: the id itself may be a view that keeps all of the piece it was cut out of.
        placeOf.set(Buffer.from(id).toString(), places[i])
      })
    }
  }
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

/** Where the reading of a file has come to. */
interface Cursor {
  readonly pieces: AsyncGenerator<Piece>
  piece: Piece
  at: number
  /** The id of the row; undefined after the last. */
  id: string | undefined
}

/** To the next row. @returns something to wait for where a piece ends */
function step(cursor: Cursor): Promise<void> | undefined {
  cursor.id = cursor.piece.ids[++cursor.at]
  return cursor.id === undefined ? nextPiece(cursor) : undefined
}

async function nextPiece(cursor: Cursor): Promise<void> {
  do {
    const { value, done } = await cursor.pieces.next()
    if (done) return
    cursor.piece = value
    cursor.at = 0
    cursor.id = cursor.piece.ids[0]
  } while (cursor.id === undefined)
}

const cursorOf = (file: TableFile, only: ReadonlySet<string>): Cursor => ({
  pieces: file.pieces(only),
  piece: { rows: [], places: [], ids: [] },
  at: 0,
  id: undefined,
})

async function close(cursors: readonly Cursor[]): Promise<void> {
  for (const { pieces } of cursors) await pieces.return(undefined)
}

/** The rows of one file that no file before it has, and what all files have of them. */
async function* joined(
  sources: readonly There[],
  lead: number,
  before: Before,
): AsyncGenerator<{ ids: string[]; pieces: Piece[] }> {
  const cursors = sources.map(({ table, expected }, k) =>
    cursorOf(table, k < lead ? IDS_ALONE : new Set(expected.columns.map(({ name }) => name))),
  )
  const empty = () => ({
    ids: [] as string[],
    pieces: sources.map(() => ({ ids: [] as string[], rows: [] as (readonly string[])[], places: [] as number[] })),
  })
  let block = empty()
  try {
    for (const cursor of cursors) await nextPiece(cursor)
    while (cursors[lead].id !== undefined) {
      const { id } = cursors[lead] as { id: string }
      for (const cursor of cursors) {
        while (cursor.id !== undefined && before(cursor.id, id)) {
          const wait = step(cursor)
          if (wait) await wait
        }
      }
      const known = cursors.findIndex((cursor) => cursor.id === id) < lead
      if (!known) block.ids.push(id)
      for (let k = 0; k < cursors.length; k++) {
        const cursor = cursors[k]
        if (cursor.id !== id) continue
        if (!known) {
          block.pieces[k].ids.push(id)
          block.pieces[k].rows.push(cursor.piece.rows[cursor.at])
          block.pieces[k].places.push(cursor.piece.places[cursor.at])
        }
        const wait = step(cursor)
        if (wait) await wait
      }
      if (block.ids.length < BLOCK) continue
      yield block
      block = empty()
    }
    if (block.ids.length > 0) yield block
  } finally {
    await close(cursors)
  }
}

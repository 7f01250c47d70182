// Tables whose columns are `modality.feature`, and `id` if rows have names.

import type { Preparation } from '../../src/data/prepare.ts'
import { listed, shown, tooMuch, unfit } from './refusal.ts'
import { type Asked, sheetFor } from './sheet.ts'

/** A table as it came. */
export interface Cells {
  readonly header: readonly string[]
  readonly rows: number
  /** A number, a text, or null for a gap. @param kind what the model was trained on there; ids are categories */
  cell(row: number, column: number, kind: 'number' | 'category'): unknown
}

/** Where a column of a table belongs. */
type Home = { readonly m: number; readonly c: number; readonly kind: 'number' | 'category' } | 'id' | 'two'

/** A table as rows for a model. A modality of which no cell is known is missing. @throws Refusal */
export function readCells({ header, rows, cell }: Cells, preparations: readonly Preparation[], most: number): Asked {
  if (rows > most) throw tooMuch(`there are more than ${most} rows: send at most ${most} at once`)
  const homes = homesOf(header, preparations)
  const sheet = sheetFor(preparations, rows)
  const key = homes.indexOf('id')
  for (let row = 0; row < rows; row++) {
    if (key >= 0) sheet.name(row, idOf(cell(row, key, 'category'), row))
    homes.forEach((home, column) => {
      if (typeof home === 'object') sheet.put(row, home.m, home.c, cell(row, column, home.kind))
    })
  }
  return sheet.asked()
}

function homesOf(header: readonly string[], preparations: readonly Preparation[]): Home[] {
  const homes = new Map<string, Home>([['id', 'id']])
  preparations.forEach(({ modality, columns }, m) => {
    columns.forEach(({ name, kind }, c) => {
      const column = `${modality}.${name}`
      homes.set(column, homes.has(column) ? 'two' : { m, c, kind })
    })
  })
  const seen = new Set<string>()
  return header.map((name) => {
    if (seen.has(name)) throw unfit(`two columns are named ${shown(name)}: rename one`)
    seen.add(name)
    const home = homes.get(name)
    if (home === 'two') throw unfit(`the column ${shown(name)} could be two features of the model: send the rows as JSON`)
    if (!home) {
      const known = listed([...homes.keys()], 20)
      throw unfit(`the model knows no column ${shown(name)}, it knows ${known}`, { feature: name })
    }
    return home
  })
}

function idOf(id: unknown, row: number): string | null {
  if (id === null || typeof id === 'string') return id
  if (typeof id === 'number') return String(id)
  throw unfit(`row ${row}: the id is ${shown(id)}: give a text`, { row })
}

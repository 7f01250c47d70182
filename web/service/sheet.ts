// What a request says of each feature of the model, whatever the format of its body.

import type { CategoryColumn, Inputs, Modality, NumberColumn } from '../../src/data/dataset.ts'
import { isTooFar, type Preparation, usually } from '../../src/data/prepare.ts'
import { listed, shown, unfit } from './refusal.ts'

/** Rows to be predicted. */
export interface Asked {
  /** As the request names its rows; null where it does not. */
  readonly ids: readonly (string | null)[]
  readonly inputs: Inputs
  /** What was taken otherwise than it may have been meant, one sentence each. */
  readonly notes: readonly string[]
}

/** A body's bytes as rows. `most` rows are taken. @throws Refusal */
export type Reader = (bytes: Uint8Array, preparations: readonly Preparation[], most: number) => Asked | Promise<Asked>

export interface Sheet {
  /** Names a row. @throws Refusal when another has the name */
  name(row: number, id: string | null): void
  /** A modality of which the model uses no feature is there where it is mentioned. */
  mention(row: number, m: number): void
  /** @param value a finite number or a text, as the model's feature is; null or undefined for a gap @throws Refusal */
  put(row: number, m: number, column: number, value: unknown): void
  asked(): Asked
}

/** An empty sheet: every row lacks every modality. */
export function sheetFor(preparations: readonly Preparation[], rows: number): Sheet {
  const ids = new Array<string | null>(rows).fill(null)
  const rowOf = new Map<string, number>()
  const modalities = preparations.map((preparation) => emptyModality(preparation, rows))
  const codesOf = preparations.map(({ columns }) =>
    columns.map((column) =>
      column.kind === 'category' ? new Map(column.levels.map((level, code) => [level, code])) : undefined,
    ),
  )

  /** An error that begins with where a cell is and what it holds. */
  function cellError(row: number, m: number, column: number, value: unknown, rest: string) {
    const { modality, columns } = preparations[m]
    const feature = columns[column].name
    const who = ids[row] === null ? `row ${row}` : `row ${row} (${shown(ids[row])})`
    return unfit(`${who}: feature ${shown(feature)} of ${shown(modality)} is ${shown(value)}, ${rest}`, {
      row,
      modality,
      feature,
    })
  }

  return {
    name(row, id) {
      if (id === null) return
      const first = rowOf.get(id)
      if (first !== undefined) throw unfit(`rows ${first} and ${row} both have the id ${shown(id)}: give each its own`, { row })
      rowOf.set(id, row)
      ids[row] = id
    },

    mention(row, m) {
      if (preparations[m].columns.length === 0) modalities[m].present[row] = 1
    },

    put(row, m, c, value) {
      if (value === null || value === undefined) return
      const wanted = preparations[m].columns[c]
      if (wanted.kind === 'number') {
        if (typeof value !== 'number') {
          throw cellError(row, m, c, value, 'the model was trained on numbers here: give a number, or null if it is unknown')
        }
        if (isTooFar(wanted, value)) {
          throw cellError(row, m, c, value, `in training it was ${usually(wanted)}: correct it`)
        }
        ;(modalities[m].columns[c] as NumberColumn).values[row] = value
      } else {
        if (typeof value !== 'string') {
          throw cellError(row, m, c, value, 'the model was trained on categories here: give a text, or null if it is unknown')
        }
        const codes = codesOf[m][c]!
        const code = codes.get(value) ?? codes.size
        codes.set(value, code)
        ;(modalities[m].columns[c] as CategoryColumn).codes[row] = code
      }
      modalities[m].present[row] = 1
    },

    asked() {
      const notes: string[] = []
      const known = modalities.map((modality, m) => ({
        ...modality,
        columns: modality.columns.map((column, c) => {
          if (column.kind === 'number') return column
          const levels = [...codesOf[m][c]!.keys()]
          const unseen = levels.slice(column.levels.length)
          if (unseen.length > 0) {
            const feature = `feature ${shown(column.name)} of ${shown(modality.name)}`
            notes.push(`${feature} is ${listed(unseen)} somewhere, which the model has not seen and takes as unknown`)
          }
          return { ...column, levels }
        }),
      }))
      // Rows need not be named, and need not be told apart by name here.
      return { ids, inputs: { ids: ids.map((_, row) => String(row)), modalities: known }, notes }
    },
  }
}

function emptyModality({ modality: name, columns }: Preparation, rows: number): Modality {
  return {
    name,
    present: new Uint8Array(rows),
    columns: columns.map((column) =>
      column.kind === 'number'
        ? { kind: column.kind, name: column.name, values: new Float64Array(rows).fill(Number.NaN) }
        : { kind: column.kind, name: column.name, codes: new Int32Array(rows).fill(-1), levels: column.levels },
    ),
  }
}

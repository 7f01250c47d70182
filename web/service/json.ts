import type { Preparation } from '../../src/data/prepare.ts'
import { listed, malformed, type Place, shown, tooMuch, unfit } from './refusal.ts'
import { type Asked, sheetFor } from './sheet.ts'
import { textOf } from './text.ts'

/**
 * `{ "rows": [{ "id": "p1", "modalities": { "mri": { "hippocampus": 2.1 }, "csf": null } }] }`. What is absent or null is missing: a
 * modality, or a feature of one. A modality of which no feature is known is missing, too.
 * @throws Refusal
 */
export function readJson(bytes: Uint8Array, preparations: readonly Preparation[], most: number): Asked {
  const rows = rowsOf(parse(textOf(bytes)))
  if (rows.length > most) throw tooMuch(`there are ${rows.length} rows: send at most ${most} at once`)
  const placeOf = new Map(preparations.map(({ modality }, m) => [modality, m]))
  const features = preparations.map(({ columns }) => new Map(columns.map(({ name }, c) => [name, c])))
  const sheet = sheetFor(preparations, rows.length)
  rows.forEach((given, row) => {
    const { id = null, modalities = {} } = fieldsOf(given, ['id', 'modalities'], `row ${row}`, { row })
    if (id !== null && typeof id !== 'string') throw unfit(`row ${row}: the id is ${shown(id)}: give a text, or none`, { row })
    sheet.name(row, id)
    const who = id === null ? `row ${row}` : `row ${row} (${shown(id)})`
    for (const [modality, cells] of entriesOf(modalities, `${who}: "modalities"`, { row })) {
      const m = placeOf.get(modality)
      if (m === undefined) {
        const known = listed([...placeOf.keys()], 20)
        throw unfit(`${who}: the model has no modality ${shown(modality)}, it has ${known}`, { row, modality })
      }
      if (cells === null) continue
      sheet.mention(row, m)
      for (const [feature, value] of entriesOf(cells, `${who}: modality ${shown(modality)}`, { row, modality })) {
        const c = features[m].get(feature)
        if (c === undefined) {
          const known = listed([...features[m].keys()], 20)
          const sentence = `${who}: the model uses no feature ${shown(feature)} of ${shown(modality)}, it uses ${known || 'none'}`
          throw unfit(sentence, { row, modality, feature })
        }
        sheet.put(row, m, c, value)
      }
    }
  })
  return sheet.asked()
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw malformed('the body is no JSON: send {"rows": [{"id": …, "modalities": {…}}]}')
  }
}

function rowsOf(body: unknown): readonly unknown[] {
  const { rows } = fieldsOf(body, ['rows'], 'the body', {})
  if (!Array.isArray(rows)) throw unfit(`"rows" is ${shown(rows)}: give a list of rows`)
  return rows
}

/** What an object says under the names it may have. */
function fieldsOf(value: unknown, names: readonly string[], what: string, place: Place): Record<string, unknown> {
  const fields = entriesOf(value, what, place)
  const stranger = fields.find(([name]) => !names.includes(name))
  if (stranger) throw unfit(`${what} has ${shown(stranger[0])}, where there are only ${listed(names)}`, place)
  return Object.fromEntries(fields)
}

/** Names of its own only: what a prototype has is no feature. */
function entriesOf(value: unknown, what: string, place: Place): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw unfit(`${what} is ${shown(value)}: give an object`, place)
  }
  return Object.entries(value)
}

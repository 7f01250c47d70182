// Two records of the benchmark beside each other, by id.
//
//   npm run bench:compare -- A.json B.json
//
// Either may be what `--json` or what `--record` wrote. The ratio is B / A of the figures the targets are about.

import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { text } from './targets.js'

/** The rows of a record, whichever way it was written. */
const rowsOf = (record) => (Array.isArray(record) ? record : record.results)

/** The lines of a table: every id of either, in A's order, with what only B has behind it. */
export function compare(a, b) {
  const [before, after] = [a, b].map((record) => new Map(rowsOf(record).map((row) => [row.id, row])))
  const ids = [...new Set([...before.keys(), ...after.keys()])]
  const rows = ids.map((id) => {
    const [x, y] = [before.get(id), after.get(id)]
    const unit = (x ?? y).unit
    const known = typeof x?.value === 'number' && typeof y?.value === 'number'
    return [id, unit, text(x?.value, unit), text(y?.value, unit), known ? (y.value / x.value).toFixed(2) : '–']
  })
  const head = ['id', 'unit', 'A', 'B', 'B / A']
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`)
}

if (process.argv[1] === import.meta.filename) {
  const { positionals } = parseArgs({ allowPositionals: true })
  if (positionals.length !== 2) throw new Error(`${positionals.length} files are given: name two records to compare`)
  const [a, b] = positionals.map((file) => JSON.parse(readFileSync(file, 'utf8')))
  console.log(compare(a, b).join('\n'))
}

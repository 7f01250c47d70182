// Writes the tables of docs/BENCHMARKS.md from a record. Only what stands between the markers is replaced.
//
//   npm run bench:document [-- test/bench/record/NAME.json] [--out docs/BENCHMARKS.md]
//
// Without a name the newest Node's record is taken. `<!-- table targets -->` holds the targets, `<!-- table machine -->` where and
// with what was measured, any other `<!-- table NAME -->` the rows whose ids begin with NAME/.

import { readdirSync, readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { writeFileSafely } from '../../dist/node/files.js'
import { stateOf, TARGETS, text } from './targets.js'

/** The document with its tables made of a record. */
export function documented(before, record) {
  return before.replace(/(<!-- table (\S+) -->)[\s\S]*?(<!-- end \2 -->)/g, (_, first, name, last) => {
    const lines = name === 'targets' ? targets(record) : name === 'machine' ? machine(record) : rows(record, name)
    return `${first}\n\n${lines.join('\n')}\n\n${last}`
  })
}

const table = (head, body) => [head, head.map(() => '---'), ...body].map((cells) => `| ${cells.join(' | ')} |`)

/** `12.3 (11 … 14)` */
function figure({ value, unit, min, max, rounds }) {
  const spread = rounds > 1 && typeof min === 'number' ? ` (${text(min, unit)} … ${text(max, unit)})` : ''
  return `${text(value, unit)}${spread}`
}

function targets({ results }) {
  const known = new Map(results.map((row) => [row.id, row]))
  const body = Object.entries(TARGETS).map(([id, { floor, goal, smaller }]) => {
    const row = known.get(id)
    const sign = smaller ? '≤ ' : '≥ '
    const measured = row ? [figure(row), row.unit, stateOf(row) || '–'] : ['–', '', 'not measured']
    return [`\`${id}\``, ...measured, `${sign}${floor}`, `${sign}${goal}`]
  })
  return table(['id', 'measured', 'unit', '', 'floor', 'goal'], body)
}

function machine({ machine: host, node, peers, results }) {
  const facts = { ...host, node, ...peers }
  const limits = results.filter(({ id }) => id.startsWith('machine/'))
  return table(
    ['', ''],
    [
      ...Object.entries(facts).map(([name, value]) => [name, `${value}`]),
      ...limits.map((row) => [`\`${row.id}\``, `${figure(row)} ${row.unit}`]),
    ],
  )
}

function rows({ results }, name) {
  const mine = results.filter(({ id }) => id.startsWith(`${name}/`))
  if (mine.length === 0) return ['Not measured yet.']
  return table(
    ['id', 'median (least … most)', 'unit', 'rounds', 'note'],
    mine.map((row) => [`\`${row.id}\``, figure(row), row.unit ?? '', `${row.rounds ?? ''}`, row.note ?? '']),
  )
}

/** By the number of its Node. */
function newestRecord() {
  const folder = new URL('record/', import.meta.url)
  const numbers = (name) => name.match(/\d+/g).slice(0, 3).map(Number)
  const newer = (a, b) => numbers(a).reduce((difference, n, i) => difference || n - numbers(b)[i], 0)
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'))
  if (files.length === 0) throw new Error('there is no record in test/bench/record: make one by npm run bench -- --record')
  return new URL(files.sort(newer).at(-1), folder)
}

if (process.argv[1] === import.meta.filename) {
  const { positionals, values: options } = parseArgs({
    allowPositionals: true,
    options: { out: { type: 'string', default: 'docs/BENCHMARKS.md' } },
  })
  const record = JSON.parse(readFileSync(positionals[0] ?? newestRecord(), 'utf8'))
  writeFileSafely(options.out, documented(readFileSync(options.out, 'utf8'), record))
}

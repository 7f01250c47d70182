// Measures this library beside its peers and beside what the machine can do.
//
//   npm run bench -- [--only REGEX] [--rounds N] [--json FILE] [--record] [--full] [--node PATH]
//
// Every suite runs in a process of its own, so that no peer's heap or threads stand beside another's. `--json` writes
// [{id, value, unit, median, min, max, rounds, note?}]; `--record` writes test/bench/record/<node>-<processor>.json, or, with
// `--only`, replaces in it the rows that were measured. `--full` runs whole trainings where a part of their epochs would do. `--node`
// names another Node to measure in.

import { execFileSync, fork } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { writeFileSafely } from '../../dist/node/files.js'
import { buildProbe, machine, slug } from './machine.js'
import { stateOf, text } from './targets.js'

/** In this order. A suite may have `flags` for Node beside the one for relaxed SIMD. */
const SUITES = [
  { name: 'machine' },
  { name: 'gemm' },
  { name: 'adam' },
  { name: 'step' },
  { name: 'infer' },
  { name: 'torch' },
  { name: 'e2e' },
  { name: 'cold' },
  { name: 'size' },
  { name: 'memory', flags: ['--expose-gc'] },
  { name: 'pool' },
  { name: 'curves' },
]

const PEERS = ['@tensorflow/tfjs-core', '@tensorflow/tfjs-backend-wasm', 'onnxruntime-web', '@jax-js/jax']

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string' },
    json: { type: 'string' },
    record: { type: 'boolean' },
    node: { type: 'string', default: process.execPath },
    full: { type: 'boolean' },
    suite: { type: 'string' },
  },
})

/** A suite, in this process: its results go to the one that asked for it. */
async function one(name) {
  const only = options.only ? new RegExp(options.only) : undefined
  const wants = (/** @type {string[]} */ ...ids) => !only || ids.some((id) => only.test(id))
  const { run } = await import(`./suites/${name}.js`)
  await run({
    only,
    rounds: options.rounds ? Number(options.rounds) : undefined,
    full: options.full ?? false,
    /** Whether any of these ids is asked for: what nobody asks for need not be measured. */
    wants,
    /** One result. `value` is the median when left out; null where the note says why there is none. */
    record({ id, value, unit, median, min, max, rounds, note, points }) {
      if (wants(id))
        process.send({ id, value: value === undefined ? median : value, unit, median, min, max, rounds, note, points })
    },
  })
  process.disconnect()
}

async function all() {
  buildProbe()
  const node = execFileSync(options.node, ['--version'], { encoding: 'utf8' }).trim()
  const results = []
  const failed = []
  for (const { name, flags = [] } of SUITES) {
    const code = await runSuite(name, [...flags, ...relaxedFlags(node)], (row) => {
      results.push(row)
      console.log(lineOf(row))
    })
    if (code !== 0) failed.push(name)
  }
  if (options.json) writeFileSafely(options.json, listText(results))
  if (options.record) record(node, results)
  if (failed.length > 0) {
    console.error(`these suites ended early: ${failed.join(', ')}`)
    process.exitCode = 1
  }
}

/** Node 20 has relaxed SIMD behind a flag that later ones know no more. */
const relaxedFlags = (node) => (Number(/\d+/.exec(node)[0]) < 22 ? ['--experimental-wasm-relaxed-simd'] : [])

/** @returns {Promise<number>} the exit code of its process */
function runSuite(name, execArgv, each) {
  const passed = ['only', 'rounds']
    .flatMap((key) => (options[key] ? [`--${key}`, options[key]] : []))
    .concat(options.full ? '--full' : [])
  return new Promise((resolve) => {
    const child = fork(fileURLToPath(import.meta.url), ['--suite', name, ...passed], { execPath: options.node, execArgv })
    child.on('message', each)
    child.on('exit', (code) => resolve(code ?? 1))
  })
}

function lineOf(row) {
  const { id, min, max, unit, rounds, note } = row
  const spread = rounds ? `(${text(min, unit)} … ${text(max, unit)}, ${rounds} rounds)` : ''
  const parts = [
    id.padEnd(36),
    `${text(row.value, unit)} ${row.value === null ? '' : unit}`.padEnd(14),
    spread,
    stateOf(row),
    note,
  ]
  return parts.filter(Boolean).join('  ')
}

/** One line a row, so that changes can be read. */
const listText = (rows) => `[\n${rows.map((row) => `  ${JSON.stringify(row)}`).join(',\n')}\n]\n`

function record(node, results) {
  const file = fileURLToPath(new URL(`record/${node}-${slug(machine().cpu)}.json`, import.meta.url))
  const before = options.only && existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).results : []
  const fresh = new Map(results.map((row) => [row.id, row]))
  const kept = before.map((row) => fresh.get(row.id) ?? row)
  const rows = [...kept, ...results.filter(({ id }) => !before.some((row) => row.id === id))]
  const heads = { machine: machine(), node, peers: Object.fromEntries(PEERS.map((name) => [name, versionOf(name)])) }
  const lines = Object.entries(heads).map(([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`)
  writeFileSafely(file, `{\n${lines.join(',\n')},\n"results": ${listText(rows).trimEnd()}\n}\n`)
  console.log(`recorded ${file}`)
}

const versionOf = (name) =>
  JSON.parse(readFileSync(new URL(`../../node_modules/${name}/package.json`, import.meta.url), 'utf8')).version

if (options.suite) await one(options.suite)
else await all()

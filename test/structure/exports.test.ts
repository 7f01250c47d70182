import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { VERSION } from '../../src/core/version.ts'
import { filesIn, ROOT, readJson, readText } from './imports.ts'

const manifest = readJson('package.json')
type Targets = { readonly types: string; readonly default: string }
const doors = Object.values<string | Targets>(manifest.exports).filter((targets) => typeof targets !== 'string')

/** Runs a module in a fresh Node, in the repository's folder, and gives back what it prints. */
const run = (module: string): string =>
  execFileSync(process.execPath, ['--input-type=module', '--eval', module], { cwd: ROOT, encoding: 'utf8' })

/** Names that a door exports; Node finds it by the package's own name, as whoever installs it does. */
const namesOf = (door: string): string[] =>
  JSON.parse(run(`console.log(JSON.stringify(Object.keys(await import('${door}')).sort()))`))

const INFER = [
  'ConfigError',
  'DataError',
  'FormatError',
  'MemoryError',
  'RULES',
  'ShapeError',
  'createPredictor',
  'encodeModality',
  'hasRelaxedSimd',
  'modality',
  'openSession',
  'readModel',
]

describe('package.json', () => {
  test('names files that were built, and types beside them', () => {
    const targets = [...doors.flatMap(({ types, default: code }) => [types, code]), ...Object.values<string>(manifest.bin)]
    expect(targets.filter((target) => !existsSync(join(ROOT, target)))).toEqual([])
    for (const { types, default: code } of doors) expect(types).toBe(code.replace(/\.js$/, '.d.ts'))
  })

  test('names every door of Node, and only doors', () => {
    const marked = filesIn('node', /\.ts$/).filter((file) => readText(file).includes(' * @module'))
    expect(doors.map((targets) => targets.default).sort()).toEqual(marked.map((file) => `./dist/${file.replace(/\.ts$/, '.js')}`))
    expect(Object.keys(manifest.exports).filter((name) => typeof manifest.exports[name] === 'string')).toEqual(['./package.json'])
  })

  test('publishes what is there', () => {
    expect(manifest.files.filter((file: string) => !file.startsWith('!') && !existsSync(join(ROOT, file)))).toEqual([])
    expect(manifest.files).toContain('dist')
    for (const kernels of ['infer', 'train', 'infer-relaxed', 'train-relaxed'])
      expect(statSync(join(ROOT, `dist/build/${kernels}.wasm`)).size).toBeGreaterThan(0)
  })

  test('has the version of the library and of the changelog', () => {
    expect(VERSION).toBe(manifest.version)
    expect(/^## (\S+)/m.exec(readText('CHANGELOG.md'))?.[1]).toBe(manifest.version)
  })

  test('pins every dependency to one version, as the lock file has it', () => {
    const { packages } = readJson('package-lock.json')
    for (const [name, version] of Object.entries({
      ...manifest.dependencies,
      ...manifest.devDependencies,
      ...manifest.peerDependencies,
    })) {
      expect(version, name).toMatch(/^\d+\.\d+\.\d+$/)
      expect(packages[`node_modules/${name}`].version, name).toBe(version)
    }
  })

  test('makes the command one that a shell can run', () => {
    const path = join(ROOT, manifest.bin.metafusion)
    expect(readFileSync(path, 'utf8').split('\n', 1)[0]).toBe('#!/usr/bin/env node')
    if (process.platform !== 'win32') expect(statSync(path).mode & 0o111).toBe(0o111)
  })
})

describe('the doors', () => {
  test('metafusion/infer has these names', () => {
    expect(namesOf('metafusion/infer')).toEqual(INFER)
  })

  test('metafusion has them too, and those that learn, read folders and write', () => {
    const more = [
      'NACC',
      'RATS',
      'barChart',
      'chooseSplits',
      'digest',
      'evaluate',
      'heatMap',
      'kernels',
      'lineChart',
      'nearBest',
      'openTrainSession',
      'paired',
      'plan',
      'planOfTraining',
      'predict',
      'presence',
      'readFolder',
      'readNacc',
      'readNeural',
      'summarize',
      'synthetic',
      'train',
      'trainModel',
      'writeModel',
    ]
    expect(namesOf('metafusion')).toEqual([...INFER, ...more].sort())
  })

  test('do nothing when they are imported: no output, nothing left running', () => {
    expect(run("await import('metafusion'); await import('metafusion/infer')")).toBe('')
  })

  test('there is no other way in', () => {
    const code = (path: string) => run(`console.log(await import('${path}').then(() => 'open', (e) => e.code))`).trim()
    expect(code('metafusion/dist/node/cli.js')).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED')
    expect(code('metafusion/src/index.ts')).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED')
  })
})

test('the program in the README runs and prints what it says', () => {
  const program = /```js\n(.*?)```/s.exec(readText('README.md'))?.[1] ?? ''
  const printed = run(program)
  expect(printed).toMatch(/^meta-fusion \{\s+rows: 30,\s+accuracy: \d/)
  expect(printed).toMatch(/\[ 'control', 'case' \] Float64Array\(2\) \[ [\d.e-]+, [\d.e-]+ \] \[ 'csf' \]\s*$/)
})

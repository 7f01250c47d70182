import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { VERSION } from '../../src/core/version.ts'
import { filesIn, ROOT, readJson, readText } from './imports.ts'

const manifest = readJson('package.json')
type Targets = { readonly types: string; readonly default: string; readonly [host: string]: string }
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
  'HostError',
  'MemoryError',
  'REASONS',
  'RULES',
  'ShapeError',
  'createAssessor',
  'createPredictor',
  'encodeModality',
  'hasRelaxedSimd',
  'init',
  'kernels',
  'modality',
  'openSession',
  'readModel',
  'suspects',
  'suspicion',
]

describe('package.json', () => {
  test('names files that were built, and types beside them', () => {
    const targets = [...doors.flatMap((door) => Object.values(door)), ...Object.values<string>(manifest.bin)]
    expect(targets.filter((target) => !existsSync(join(ROOT, target)))).toEqual([])
    for (const door of doors) {
      const hosts = Object.keys(door)
      expect([hosts[0], hosts.at(-1)]).toEqual(['types', 'default'])
      // A host that has several of these names takes the first.
      for (const edge of ['workerd', 'edge-light']) if (hosts.includes(edge)) expect(hosts.indexOf(edge)).toBeLessThan(3)
    }
  })

  test('names every door, and only doors', () => {
    const marked = ['node', 'web'].flatMap((folder) =>
      filesIn(folder, /\.ts$/).filter((file) => readText(file).includes(' * @module')),
    )
    /** The source of what is named: bundles of web/ have folders of their own. */
    const sourceOf = (target: string) =>
      target
        .replace('./dist/', '')
        .replace('browser/', 'web/')
        .replace(/^(workerd|edge-light)\//, 'web/edge/')
        .replace(/(\.d\.ts|\.js)$/, '.ts')
    const named = new Set(doors.flatMap((door) => Object.values(door).map(sourceOf)))
    expect([...named].sort()).toEqual(marked.sort())
    const files = Object.keys(manifest.exports).filter((name) => typeof manifest.exports[name] === 'string')
    expect(files).toEqual(['./wasm/*', './package.json'])
  })

  test('lets bundlers drop whatever is not used but the door of workers, which is imported for what it does', () => {
    const { types, ...targets } = manifest.exports['./worker']
    expect(manifest.sideEffects).toEqual([...new Set(Object.values(targets))].sort())
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

  test('metafusion has them too, and those that learn and write', () => {
    const more = [
      'atThreshold',
      'chooseSplits',
      'compareAreas',
      'createFusion',
      'crossValidationSplits',
      'decisionCurve',
      'digest',
      'evaluate',
      'featureShares',
      'mcnemar',
      'modalityImportance',
      'modalityShares',
      'nearBest',
      'nextModality',
      'openTrainSession',
      'paired',
      'plan',
      'planOfTraining',
      'predict',
      'presence',
      'reliability',
      'rocAreas',
      'rocCurve',
      'summarize',
      'synthetic',
      'train',
      'trainModel',
      'writeModel',
    ]
    expect(namesOf('metafusion')).toEqual([...INFER, ...more].sort())
  })

  test('metafusion has the same names on every host', () => {
    const listed = (file: string) => {
      const list = /^export \{([^}]*)\}/m.exec(readText(file))?.[1] ?? ''
      return list.split(',').map((name) => name.trim().replace(/^.* as /, ''))
    }
    for (const [door, file] of [
      ['metafusion', 'index'],
      ['metafusion/infer', 'infer'],
    ]) {
      const names = namesOf(door)
      for (const host of ['browser', 'workerd', 'edge-light'])
        expect(listed(`dist/${host}/${file}.js`).sort(), host).toEqual(names)
    }
  })

  test('metafusion has the same types in Node as everywhere', async () => {
    const node: typeof import('../../web/index.ts') = await import('../../node/index.ts')
    const web: typeof import('../../node/index.ts') = await import('../../web/index.ts')
    expect(Object.keys(node).sort()).toEqual(Object.keys(web).sort())
  })

  test('metafusion/export writes models in other ways', () => {
    expect(namesOf('metafusion/export')).toEqual(['onnxInput', 'quantize', 'writeOnnx'])
  })

  test('metafusion/node has what only Node can: folders, studies, figures', () => {
    expect(namesOf('metafusion/node')).toEqual([
      'NACC',
      'RATS',
      'barChart',
      'heatMap',
      'lineChart',
      'predictFolder',
      'readFolder',
      'readNacc',
      'readNeural',
    ])
  })

  test('metafusion/worker is no door for a program', () => {
    expect(run("await import('metafusion/worker').catch((e) => console.log(e.name, e.message))").trim()).toBe(
      'HostError "metafusion/worker" is imported by a program: import it in the file of a worker thread',
    )
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

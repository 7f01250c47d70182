import { describe, expect, test } from 'vitest'
import { BEFORE_THE_LINE, filesIn, importsOf, ROOMS, reach, readJson, readText, resolve, roomOf } from './imports.ts'

const KERNELS = ['build/infer.js', 'build/train.js']
const sources = filesIn('src', /\.ts$/)
const edges = sources.flatMap((from) => importsOf(readText(from)).map((to) => ({ from, to })))
const inside = edges
  .filter(({ to }) => to.startsWith('.'))
  .map(({ from, to }) => ({ from, to: resolve(from, to) }))
  .filter(({ to }) => !KERNELS.includes(to))

test('the reader of imports sees every form of them', () => {
  const text = `import 'effect'
import type { A } from './a.ts'
import {
  b,
  type C,
} from "./b.ts"
export * from './d.ts'
export type { E } from './e.ts'
const lazy = () => import('./f.ts')
export const no = 'not one'
export const text = \`from './neither.ts'\`
`
  expect(importsOf(text)).toEqual(['effect', './a.ts', './b.ts', './d.ts', './e.ts', './f.ts'])
})

describe('the rooms of src/', () => {
  test('are all known: whatever is no door and no list of host features lies in one', () => {
    const outside = sources.filter((file) => !ROOMS.includes(roomOf(file) ?? ''))
    expect(outside).toEqual(['src/host.d.ts', 'src/index.ts', 'src/infer.ts', 'src/webassembly.d.ts'])
  })

  test('import from themselves or from rooms before', () => {
    const rank = (file: string) => ROOMS.indexOf(roomOf(file) ?? '')
    const back = inside.filter(({ from, to }) => roomOf(from) && !(rank(to) >= 0 && rank(to) <= rank(from)))
    expect(back.map(({ from, to }) => `${from} imports ${to}`)).toEqual([])
  })

  test('hold no two files that import each other, directly or round a corner', () => {
    const importsFrom = (file: string) => inside.filter(({ from }) => from === file).map(({ to }) => to)
    const done = new Set<string>()
    const circles: string[] = []
    const visit = (file: string, path: readonly string[]) => {
      if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' → '))
      if (done.has(file)) return
      done.add(file)
      for (const to of importsFrom(file)) visit(to, [...path, file])
    }
    for (const file of sources) visit(file, [])
    expect(circles).toEqual([])
  })

  test('have no barrel: nobody imports a door, and only doors are named index', () => {
    expect(inside.filter(({ from, to }) => !roomOf(to) && from !== 'src/index.ts')).toEqual([])
    expect(sources.filter((file) => file.endsWith('/index.ts'))).toEqual(['src/index.ts'])
  })

  test('before the line are all that the small door reaches', () => {
    const { files } = reach('src/infer.ts')
    const rooms = new Set(files.filter((file) => file !== 'src/infer.ts' && !KERNELS.includes(file)).map(roomOf))
    expect([...rooms].filter((room) => !BEFORE_THE_LINE.includes(room ?? ''))).toEqual([])
    expect(rooms).toContain('formats')
  })
})

describe('src/', () => {
  test('imports no package, and of the kernels no more than their types', () => {
    expect(edges.filter(({ to }) => !to.startsWith('.'))).toEqual([])
    const outside = edges.filter(({ from, to }) => to.startsWith('.') && !resolve(from, to).startsWith('src/'))
    expect(outside.map(({ from, to }) => `${from} ${resolve(from, to)}`)).toEqual([
      'src/wasm/kernels.ts build/infer.js',
      'src/wasm/kernels.ts build/train.js',
    ])
    expect(reach('dist/src/index.js').files.filter((file) => file.includes('build/'))).toEqual([])
  })

  test('is compiled without any host, and lists the few features of hosts that it uses', () => {
    const { extends: base, compilerOptions: own } = readJson('src/tsconfig.json')
    expect(base).toBe('../tsconfig.base.json')
    expect(Object.keys(own).filter((key) => key === 'lib' || key === 'types')).toEqual([])
    const { compilerOptions } = readJson('tsconfig.base.json')
    expect(compilerOptions).toMatchObject({ lib: ['es2022'], types: [] })
    expect(sources.filter((file) => readText(file).includes('/// <reference'))).toEqual([])
    const declared = filesIn('src', /\.d\.ts$/).flatMap((file) => [...readText(file).matchAll(/^declare \w+ (\w+)/gm)])
    expect(declared.map((match) => match[1])).toEqual(['TextEncoder', 'TextDecoder', 'WebAssembly'])
  })

  test('asks no clock and no chance, and calculates with exact operations but for scores', () => {
    // π, ln 2 and √2 are constants of the language.
    const EXACT = ['PI', 'LN2', 'SQRT2', 'abs', 'ceil', 'floor', 'round', 'trunc', 'sign', 'min', 'max', 'sqrt', 'imul', 'fround']
    const code = sources.map((file) => ({ file, text: readText(file) }))
    const called = code.flatMap(({ file, text }) => [...text.matchAll(/\bMath\.(\w+)/g)].map(([, name]) => ({ file, name })))
    const inexact = called.filter(({ file, name }) => !EXACT.includes(name) && roomOf(file) !== 'metrics')
    expect(inexact).toEqual([])
    const powers = code.flatMap(({ file, text }) => [...text.matchAll(/(\w+) \*\* \w/g)].map(([, base]) => ({ file, base })))
    expect(powers.filter(({ base }) => base !== '2')).toEqual([])
    expect(code.filter(({ text }) => /\bnew Date\b|\bDate\.|\bperformance\./.test(text))).toEqual([])
  })
})

describe('web/', () => {
  test('imports itself, src/ and the kernels, and nothing of Node', () => {
    const edges = filesIn('web', /\.ts$/).flatMap((from) => importsOf(readText(from)).map((to) => ({ from, to })))
    const relative = edges.filter(({ to }) => to.startsWith('.')).map(({ from, to }) => resolve(from, to))
    expect(relative.filter((to) => !/^(?:web|src|build)\//.test(to))).toEqual([])
    expect(edges.filter(({ to }) => to.startsWith('node:'))).toEqual([])
  })

  test('imports a package where it is needed alone: what has no workers has none', () => {
    for (const door of ['index', 'worker']) expect(reach(`dist/web/${door}.js`).packages).toEqual(['comlink'])
    for (const door of ['infer', 'edge/index', 'edge/infer']) expect(reach(`dist/web/${door}.js`).packages).toEqual([])
  })

  test('is packed without an import of a package, and starts its worker by words that bundlers look for', () => {
    const files = ['browser', 'workerd', 'edge-light'].flatMap((host) => filesIn(`dist/${host}`, /\.js$/))
    expect(files).toContain('dist/browser/worker.js')
    for (const file of files) {
      expect(
        importsOf(readText(file)).filter((to) => !to.startsWith('.')),
        file,
      ).toEqual([])
    }
    const words = /new Worker\(new URL\((["'])\.\/worker\.js\1, import\.meta\.url\), \{ type: (["'])module\2 \}\)/g
    expect(files.filter((file) => words.test(readText(file)))).toEqual(['dist/browser/index.js'])
    expect(readText('dist/browser/index.js').match(words)).toHaveLength(1)
  })
})

describe('node/', () => {
  const hosts = filesIn('node', /\.ts$/)
  const theirs = hosts.flatMap((from) => importsOf(readText(from)).map((to) => ({ from, to })))
  const { dependencies, peerDependencies } = readJson('package.json')

  test('imports Node, itself, web/ and src/; with web/ it uses the declared dependencies, every one of them', () => {
    const edges = [...theirs, ...filesIn('web', /\.ts$/).flatMap((from) => importsOf(readText(from)).map((to) => ({ from, to })))]
    const packages = edges.map(({ to }) => to).filter((to) => !to.startsWith('.') && !to.startsWith('node:'))
    const named = packages.map((to) => /^(?:@[^/]+\/)?[^/]+/.exec(to)?.[0] as string)
    expect([...new Set(named)].sort()).toEqual(Object.keys({ ...dependencies, ...peerDependencies }).sort())
    const relative = theirs.filter(({ to }) => to.startsWith('.')).map(({ from, to }) => resolve(from, to))
    expect(relative.filter((to) => !/^(?:node|web|src)\//.test(to))).toEqual([])
  })

  test('has packages that need not be installed, and loads them only when they are needed', () => {
    const { peerDependencies, peerDependenciesMeta } = readJson('package.json')
    const optional = Object.fromEntries(Object.keys(peerDependencies).map((name) => [name, { optional: true }]))
    expect(peerDependenciesMeta).toEqual(optional)
    const loaded = filesIn('dist/node', /\.js$/).flatMap((file) => [...readText(file).matchAll(/^import .*'(vega[\w-]*)'/gm)])
    expect(loaded).toEqual([])
  })
})

test('there are no default exports', () => {
  const files = [...sources, ...filesIn('web', /\.ts$/), ...filesIn('node', /\.ts$/)]
  expect(files.filter((file) => /^export default\b|\bas default\b/m.test(readText(file)))).toEqual([])
})

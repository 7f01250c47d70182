import { describe, expect, test } from 'vitest'
import { filesIn, importsOf, reach, readText, resolve } from './imports.ts'

const files = ['web/service.ts', 'web/edge.ts', ...filesIn('web/service', /\.ts$/)]
const edges = files.flatMap((from) => importsOf(readText(from)).map((to) => ({ from, to })))

describe('the service', () => {
  test('imports web standards alone: src/, itself, three libraries, and at the edge the door that has the kernels', () => {
    const packages = edges.map(({ to }) => to).filter((to) => !to.startsWith('.'))
    expect([...new Set(packages)].sort()).toEqual(['apache-arrow', 'hono', 'hono/route', 'papaparse'])
    const others = edges.filter(({ to }) => to.startsWith('.')).map(({ from, to }) => resolve(from, to))
    expect([...new Set(others)].filter((to) => !to.startsWith('src/') && !files.includes(to))).toEqual(['web/edge/infer.ts'])
  })

  test('asks no process, no file and no global of a host', () => {
    expect(files.filter((file) => /\bprocess\.|\bBuffer\b|\bnode:|\brequire\(/.test(readText(file)))).toEqual([])
  })

  test('is loaded in Node by one file, and that by one command, when it runs', () => {
    const importers = filesIn('node', /\.ts$/).filter((file) => {
      return importsOf(readText(file)).some((to) => to.startsWith('.') && files.includes(resolve(file, to)))
    })
    expect(importers).toEqual(['node/serve.ts'])
    expect(readText('node/commands/serve.ts')).toContain("await import('../serve.ts')")
    expect(readText('node/commands/serve.ts')).not.toMatch(/^import .*'\.\.\/serve\.ts'/m)
  })

  test('never reaches what learns', () => {
    expect(
      reach('dist/web/service.js').files.filter((file) => /src\/(?:train|baselines|recipe|experiments)\//.test(file)),
    ).toEqual([])
  })
})

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ROOT, reach, readJson } from './imports.ts'

// What a page loads of each door: one minified file. And what Node reads, file by file, before the first prediction: how long that
// takes no test can say, how much it is, it can.

const { brotli, bundled } = await import(new URL('../bench/bundled.js', import.meta.url).href)

interface Budget {
  readonly raw: number
  readonly brotli: number
}

const { doors, start }: { doors: Record<string, Budget>; start: { files: number; bytes: number } } =
  readJson('test/structure/budget-js.json')

describe.each(Object.entries(doors))('%s', (door, budget) => {
  test('is no larger than its budget in one minified file, raw and compressed', async () => {
    const code = await bundled(join(ROOT, door))
    expect(code.length).toBeGreaterThan(1000)
    expect(code.length).toBeLessThanOrEqual(budget.raw)
    expect(brotli(code)).toBeLessThanOrEqual(budget.brotli)
  })
})

test('the small door of Node loads few files, and few bytes with its kernels', () => {
  const { files } = reach('dist/node/infer.js')
  const bytes = [...files, 'dist/build/infer.wasm'].reduce((sum, file) => sum + readFileSync(join(ROOT, file)).length, 0)
  expect(files.length).toBeLessThanOrEqual(start.files)
  expect(bytes).toBeLessThanOrEqual(start.bytes)
})

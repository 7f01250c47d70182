import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
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

test('the small door is one file, kernels included', () => {
  const files = reach('dist/browser/infer.js').files.filter((file) => !file.endsWith('-relaxed.js'))
  const bytes = files.reduce((sum, file) => sum + readFileSync(join(ROOT, file)).length, 0)
  expect(files.length).toBeLessThanOrEqual(start.files)
  expect(bytes).toBeLessThanOrEqual(start.bytes)
})

test('what is not used of the full door is not in the bundle', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'metafusion-shaken-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const sizeOf = async (names: string) => {
    const file = join(folder, 'app.js')
    writeFileSync(
      file,
      `import { ${names} } from ${JSON.stringify(join(ROOT, 'dist/browser/index.js'))}\nconsole.log(${names})\n`,
    )
    return (await bundled(file, [/-relaxed\.js$/])).length
  }
  expect(await sizeOf('modality')).toBeLessThan(2000)
  // The kernels alone are 37 kB in base64.
  expect(await sizeOf('createPredictor, readModel')).toBeLessThan(73_700)
  expect(await sizeOf('train')).toBeGreaterThan(100_000)
})

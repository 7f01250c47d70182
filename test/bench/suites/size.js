// What a page loads: the kernels, and each door as one minified file, compressed.

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { brotli, bundled } from '../bundled.js'

const DOORS = { infer: 'dist/src/infer.js', full: 'dist/src/index.js' }
const file = (path) => fileURLToPath(new URL(`../../../${path}`, import.meta.url))

export async function run(bench) {
  const record = (id, bytes, what) =>
    bench.record({ id, value: brotli(bytes), unit: 'bytes', note: `${bytes.length} before brotli; ${what}` })
  for (const which of ['infer', 'train'])
    record(`size/${which}/wasm-br`, readFileSync(file(`build/${which}.wasm`)), 'the strict build')
  for (const [door, path] of Object.entries(DOORS)) {
    if (bench.wants(`size/${door}/js-br`))
      record(`size/${door}/js-br`, await bundled(file(path)), `${path}, bundled and minified`)
  }
}

// A step of the build: each door of the web as one file, so that a page loads no more than that and needs no import map, and Node
// starts sooner. The kernels of relaxed SIMD stay beside it, as they are loaded when they are asked for; at the edge all kernels do.

import { rolldown } from 'rolldown'

/** @type {[door: string, out: string, suffix: string][]} Of the edge, one way to import a module each. */
const DOORS = [
  ['index', 'browser', ''],
  ['worker', 'browser', ''],
  ['infer', 'browser', ''],
  ['export', 'browser', ''],
  ['edge/index', 'workerd', ''],
  ['edge/infer', 'workerd', ''],
  ['edge/index', 'edge-light', '?module'],
  ['edge/infer', 'edge-light', '?module'],
]

for (const [door, out, suffix] of DOORS) {
  /** Kernels that are loaded, not inlined: the same files, seen from the bundle. */
  const kernels = {
    name: 'kernels',
    resolveId(/** @type {string} */ id) {
      const [, file] = /\/(build\/(?:inline\/\w+-relaxed\.js|\w+\.wasm))$/.exec(id) ?? []
      return file && { id: `../${file}${file.endsWith('.wasm') ? suffix : ''}`, external: true }
    },
  }
  const bundle = await rolldown({ input: `dist/web/${door}.js`, plugins: [kernels] })
  await bundle.write({ file: `dist/${out}/${door.replace('edge/', '')}.js`, format: 'esm', codeSplitting: false })
  await bundle.close()
}

// The machine beside the figures: the peak of its 128-bit arithmetic and the rate of its memory, measured in the same process.

import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'

const ROOT = new URL('../../', import.meta.url)
const BINARY = new URL('build/probe.wasm', ROOT)
const STEPS = 250_000

/** As many as the parameters of the large workload. */
const ELEMENTS = 9_600_000

/** Compiles the loops of probe.ts into build/. */
export function buildProbe() {
  mkdirSync(new URL('build/', ROOT), { recursive: true })
  const asc = fileURLToPath(new URL('node_modules/assemblyscript/bin/asc.js', ROOT))
  const features = ['--enable', 'simd', '--enable', 'relaxed-simd', '--runtime', 'stub', '--importMemory', '--noExportMemory']
  const limits = ['--initialMemory', '1', '--maximumMemory', '65536']
  const source = fileURLToPath(new URL('probe.ts', import.meta.url))
  execFileSync(process.execPath, [asc, source, '-O3', ...features, ...limits, '--outFile', fileURLToPath(BINARY)], {
    stdio: 'inherit',
  })
}

/**
 * The loops, as candidates of rounds, with what one call of each does.
 * @param {boolean} [withMemory] whether the triad is needed: its arrays take 115 MB
 */
export function openProbe(withMemory = false) {
  const memory = new WebAssembly.Memory({ initial: 16 + (withMemory ? Math.ceil((12 * ELEMENTS) / 65536) : 0), maximum: 65536 })
  const instance = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(BINARY)), { env: { memory } })
  const { fmaLoop, muladdLoop, triad } = /** @type {any} */ (instance.exports)
  const arrays = [0, 1, 2].map((i) => 1024 + 4 * ELEMENTS * i)
  // Subnormal numbers would be slow: ones, and steps too small to matter.
  if (withMemory) new Float32Array(memory.buffer, 1024, 3 * ELEMENTS).fill(1)
  return {
    fma: () => fmaLoop(STEPS, 0.5, 1),
    muladd: () => muladdLoop(STEPS, 1, 1e-6),
    triad: () => triad(arrays[0], arrays[1], arrays[2], ELEMENTS, 1e-7),
    /** GFLOP/s of a call that took so many ms. */
    fmaRate: (ms) => (96 * STEPS) / ms / 1e6,
    muladdRate: (ms) => (48 * STEPS) / ms / 1e6,
    /** GB/s. */
    triadRate: (ms) => (24 * ELEMENTS) / ms / 1e6,
  }
}

/** What the record says of the machine. */
export function machine() {
  const [{ model }] = cpus()
  return {
    cpu: model,
    threads: cpus().length,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    os: `${process.platform} ${process.arch}`,
  }
}

/** A name for files: `amd-epyc-9b14` */
export const slug = (text) =>
  text
    .toLowerCase()
    .replace(/\(r\)|\(tm\)|processor|cpu/g, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')

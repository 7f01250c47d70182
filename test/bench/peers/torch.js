// PyTorch as a process of its own, kept alive and asked by lines: `step.py` for the steps and predictions of a cohort, and
// `reference_loop.py` for a whole run. Where no python3 has torch there is nothing to compare with.

import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** @typedef {{ cpu: number, wall: number, task: number[][], total: number[][], outputs?: number[] }} Answer times in ms */

const PYTHONS = [process.env.METAFUSION_PYTHON, 'python3', '/usr/bin/python3']
const script = (name) => fileURLToPath(new URL(`torch/${name}`, import.meta.url))

/** What it is, which kernels its OpenBLAS has chosen for this processor, and what the processor could. */
const PROBE = `
import ctypes, json, torch
try:
    blas = ctypes.CDLL('libopenblas.so.0')
    blas.openblas_get_corename.restype = ctypes.c_char_p
    core = blas.openblas_get_corename().decode()
except OSError:
    core = ''
try:
    flags = set(open('/proc/cpuinfo').read().split())
except OSError:
    flags = set()
print(json.dumps(dict(version=torch.__version__, core=core, avx2='avx2' in flags, avx512='avx512f' in flags)))
`

let known
/**
 * A Python that has torch, undefined where there is none; what is to be said of it, and the environment it is to run in. An OpenBLAS
 * older than the processor takes it for a Prescott, of 2004, and is three times as slow as it could be: it is told better.
 */
export function torchPython() {
  known ??= [PYTHONS.filter(Boolean).flatMap((python) => probed(python))[0]]
  return known[0]
}

function probed(python) {
  const { status, stdout } = spawnSync(python, ['-c', PROBE], { encoding: 'utf8' })
  if (status !== 0) return []
  const { version, core, avx2, avx512 } = JSON.parse(stdout)
  const better = core === 'Prescott' && (avx512 ? 'SkylakeX' : avx2 ? 'Haswell' : undefined)
  const env = { ...process.env, ...(better && { OPENBLAS_CORETYPE: better }) }
  return [{ python, env, version: `PyTorch ${version}${better ? ` (left to itself its BLAS takes ${core})` : ''}` }]
}

export const NO_TORCH = 'no python3 with torch was found: set METAFUSION_PYTHON to one, or install python3-torch'

/** A Python process that answers every line of JSON by one. @param {string[]} args */
function talk({ python, env }, args) {
  // Its BLAS may have threads of its own, which PyTorch's setting does not reach.
  const alone = { OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1', MKL_NUM_THREADS: '1' }
  const child = spawn(python, args, { stdio: ['pipe', 'pipe', 'inherit'], env: { ...env, ...alone } })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async () => {
    const { value, done } = await lines.next()
    if (done) throw new Error(`${args[0]} ended before it answered: run it by hand to see why`)
    return JSON.parse(value)
  }
  return {
    next,
    ask(/** @type {object} */ what) {
      child.stdin.write(`${JSON.stringify(what)}\n`)
      return next()
    },
    close: () => child.stdin.end(),
  }
}

/**
 * The same cohort in PyTorch: the first weights, the batch and the teachers of ours.
 * @param {ReturnType<import('../cohorts.js').cohortOf>} cohort
 */
export async function torchCohort({ plan, starts, rows, teachers, rho, optimizer }) {
  const found = torchPython()
  if (!found) return undefined
  const { students, sources, target, session } = plan.problem
  const folder = mkdtempSync(join(tmpdir(), 'metafusion-torch-'))
  const put = (name, array) => writeFileSync(join(folder, name), new Uint8Array(array.buffer, array.byteOffset, array.byteLength))
  const modalities = [...new Set(students.flatMap(({ ports }) => ports.map(({ modality }) => modality)))].sort((a, b) => a - b)
  const features = modalities.map((m) => {
    const { at, width } = sources.get(`${m}:raw`)
    const all = session.memory.f32(at, (Math.max(...rows) + 1) * width)
    const batch = new Float32Array(rows.length * width)
    for (const [b, row] of rows.entries()) batch.set(all.subarray(row * width, (row + 1) * width), b * width)
    put(`x${m}.f32`, batch)
    return width
  })
  const labels = session.memory.i32(target.at, Math.max(...rows) + 1)
  put(
    'labels.i32',
    Int32Array.from(rows, (row) => labels[row]),
  )
  put('weights.f32', Float32Array.from(starts.flatMap(({ block }) => [...block])))
  const spec = {
    batch: rows.length,
    rho,
    rate: optimizer.rate,
    features,
    teachers: [...teachers],
    students: students.map(({ ports, head }) => ({
      ports: ports.map(({ modality, encoder, width }) => ({ modality, widths: encoder?.widths ?? [width] })),
      head: head.widths,
    })),
  }
  writeFileSync(join(folder, 'cohort.json'), JSON.stringify(spec))
  const { next, ask, close } = talk(found, [script('step.py'), folder])
  const { blas } = await next()
  rmSync(folder, { recursive: true })
  return {
    version: `${found.version}, ${blas}`,
    reset: () => ask({ do: 'reset' }),
    /** @returns {Promise<Answer>} */
    step: (mutual, count = 1) => ask({ do: 'step', mutual, count }),
    /** @returns {Promise<Answer>} */
    infer: (rows, count = 1) => ask({ do: 'infer', rows, count }),
    close,
  }
}

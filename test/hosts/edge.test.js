// The example worker in workerd: bundled as wrangler does it, with a model whose answers Node gives, too.
// Takes workerd from here (npm run test:hosts) or from METAFUSION_WORKERD, and the built package (npm run build).

import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync } from 'node:zlib'
import { rolldown } from 'rolldown'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { writeModel } from '../../src/formats/model-file.ts'
import { createPredictor } from '../../src/fusion/predictor.ts'
import { openSession } from '../../src/wasm/session.ts'
import { createService } from '../../web/service.ts'
import { modelFor } from '../fusion/models.ts'
import { specOf } from '../train/cohort.ts'

const path = (name) => fileURLToPath(new URL(name, import.meta.url))
const WORKERD = process.env.METAFUSION_WORKERD ?? path('./node_modules/.bin/workerd')
/** Raw and compressed, without kernels and model. */
const BUDGET = { raw: 105_000, brotli: 35_500 }

const TOKEN = 'edge-token'
const EXTRACTORS = ['raw skip skip', 'skip raw skip', 'raw raw raw', 'mlp(16,8) pca(2) skip']
const { model } = modelFor({ task: 'classification', specs: EXTRACTORS.map((e) => specOf(e, 1, { hidden: [64, 32] })) })

let folder = ''
let workerd
let origin = ''

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'metafusion-edge-'))
  const bundle = await rolldown({
    input: path('../../examples/edge-worker/src/index.ts'),
    plugins: [
      {
        name: 'as wrangler',
        resolveId(id) {
          if (id === 'metafusion/edge') return path('../../dist/web/edge.js')
          if (/\.(?:wasm|safetensors)$/.test(id)) return { id: `./${id.slice(id.lastIndexOf('/') + 1)}`, external: true }
        },
      },
    ],
    resolve: { conditionNames: ['workerd', 'worker', 'browser', 'import', 'default'] },
    logLevel: 'silent',
  })
  await bundle.write({ file: join(folder, 'worker.mjs'), format: 'esm', minify: true, codeSplitting: false })
  await bundle.close()
  cpSync(path('../../build/infer.wasm'), join(folder, 'infer.wasm'))
  writeFileSync(join(folder, 'model.safetensors'), writeModel(model))
  const port = await freePort()
  origin = `http://127.0.0.1:${port}`
  writeFileSync(
    join(folder, 'config.capnp'),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = ( services = [ (name = "main", worker = .main) ],
  sockets = [ (name = "http", address = "127.0.0.1:${port}", http = (), service = "main") ] );
const main :Workerd.Worker = ( compatibilityDate = "2026-04-01", modules = [
    (name = "worker.mjs", esModule = embed "worker.mjs"),
    (name = "./infer.wasm", wasm = embed "infer.wasm"),
    (name = "./model.safetensors", data = embed "model.safetensors") ],
  bindings = [ (name = "TOKEN", text = "${TOKEN}"), (name = "ORIGINS", text = "https://clinic.example") ] );
`,
  )
  workerd = spawn(WORKERD, ['serve', 'config.capnp'], { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] })
  await vi.waitFor(() => fetch(`${origin}/healthz`), { timeout: 20_000 })
})

afterAll(() => {
  workerd?.kill()
  rmSync(folder, { recursive: true, force: true })
})

const rows = [
  { id: 'p1', modalities: { scan: { 0: 1.5, 3: -2 }, visit: { age: 44, site: 'south' }, lab: { 2: 500 } } },
  { id: 'p2', modalities: { visit: { age: 61 } } },
  { id: 'p3', modalities: { lab: { 0: 1 } } },
]
const ask = (fetch, body, headers = {}) =>
  fetch(
    new Request(`${origin}/v1/predict`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}`, ...headers },
    }),
  )

test('the worker answers to the last bit what Node does', async () => {
  const session = openSession(new WebAssembly.Module(readFileSync(path('../../build/infer.wasm'))))
  const here = createService({ model, token: TOKEN, predictor: (rule) => createPredictor(session, model, rule) })
  const [theirs, mine] = [await ask(fetch, { rows }), await ask(here.fetch, { rows })]
  expect(theirs.status).toBe(200)
  expect(await theirs.json()).toEqual(await mine.json())
})

test('the worker keeps its rules: token, origins, limits, features', async () => {
  expect((await ask(fetch, { rows }, { authorization: 'Bearer other' })).status).toBe(401)
  const shared = await ask(fetch, { rows }, { origin: 'https://clinic.example' })
  expect(shared.headers.get('access-control-allow-origin')).toBe('https://clinic.example')
  expect((await ask(fetch, { rows: Array.from({ length: 1025 }, () => ({})) })).status).toBe(413)
  expect((await ask(fetch, { rows: [], pad: 'x'.repeat(2 ** 20) })).status).toBe(413)
  const unknown = await ask(fetch, { rows: [{ modalities: { scan: { 99: 1 } } }] })
  expect([unknown.status, (await unknown.json()).error.feature]).toEqual([422, '99'])
})

test('the worker shows its page', async () => {
  const page = await fetch(`${origin}/`)
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
  expect(await page.text()).toContain('id="token"')
})

test('the worker is no larger than its budget', () => {
  const code = readFileSync(join(folder, 'worker.mjs'))
  if (process.env.METAFUSION_SHOW) console.log({ raw: code.length, brotli: brotliCompressSync(code).length })
  expect(code.length).toBeLessThanOrEqual(BUDGET.raw)
  expect(brotliCompressSync(code).length).toBeLessThanOrEqual(BUDGET.brotli)
})

const freePort = () =>
  new Promise((found) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => found(port))
    })
  })

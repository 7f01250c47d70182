// What is published, installed into fresh projects and run by whatever builds them, without any configuration.

import { spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { openChromium } from '../browser/chromium.ts'
import { openSite, STRICT_CSP, watch } from '../browser/site.ts'
import { BUNDLERS } from './bundlers.ts'
import EXPECTED from './contract/expected.json' with { type: 'json' }
import { type Project, packed, program, project, ROOT, run } from './project.ts'

const CONTRACT = fileURLToPath(new URL('./contract/contract.js', import.meta.url))

const APP = `
import * as library from 'metafusion'
import { readModel } from 'metafusion/infer'
import { contract } from './contract.js'
globalThis.result = contract({ ...library, readModel })
`

/** The same by a worker that the package starts itself. */
const WORKED = `
const fusion = library.createFusion()
const train = (data, options) => fusion.train(data, options)
globalThis.worked = contract(library, { train }).finally(() => fusion.dispose())
`

let fresh: Project
let browser: Browser

beforeAll(async () => {
  fresh = await project()
  copyFileSync(CONTRACT, join(fresh.folder, 'contract.js'))
  fresh.file('worker.js', "import 'metafusion/worker'\n")
  browser = await openChromium()
})

afterAll(async () => {
  await browser?.close()
  fresh?.remove()
})

/** What a page comes to, and that it asked nobody else and complained of nothing. */
async function resultOf(url: string, whole = true): Promise<unknown> {
  const page = await browser.newPage()
  try {
    const { elsewhere, complaints } = await watch(page, new URL(url).origin)
    await page.goto(url)
    await page.waitForFunction('globalThis.result', undefined, { timeout: 60_000 }).catch(() => {
      throw new Error(`the page has no result: ${complaints.join('; ')}`)
    })
    const result = await page.evaluate('globalThis.result')
    expect(await page.evaluate('globalThis.worked ?? globalThis.result'), 'by a worker').toEqual(result)
    expect(elsewhere).toEqual([])
    if (whole) expect(complaints.filter((text) => !text.includes('favicon') && !text.includes('404'))).toEqual([])
    return result
  } finally {
    await page.close()
  }
}

describe('a page built by', () => {
  test.each(BUNDLERS)('$name trains to the same bits under a strict policy', async ({ name, build }) => {
    const out = mkdtempSync(join(tmpdir(), 'metafusion-built-'))
    onTestFinished(() => rmSync(out, { recursive: true }))
    // Parcel finds no subpath of any package, unless it is told to look at `exports`.
    const app = `${APP}${WORKED}`
    fresh.file('app.js', name === 'Parcel' ? app.replace('metafusion/infer', 'metafusion') : app)
    await build(fresh.folder, 'app.js', out)
    // Parcel writes an import map of its own into the page.
    const csp = name === 'Parcel' ? STRICT_CSP.replace("'self'", "'self' 'unsafe-inline'") : STRICT_CSP
    const site = await openSite({ content: { '/': `${out}/` }, csp })
    try {
      expect(await resultOf(`${site.origin}/`)).toEqual(EXPECTED)
    } finally {
      await site.close()
    }
  })

  test('Vite, in development', async () => {
    const { createServer } = await import('vite')
    fresh.file('app.js', `${APP}${WORKED}`)
    writeFileSync(join(fresh.folder, 'index.html'), '<!doctype html><script type="module" src="/app.js"></script>')
    const server = await createServer({
      root: fresh.folder,
      configFile: false,
      logLevel: 'error',
      server: { port: 0, host: '127.0.0.1' },
    })
    await server.listen()
    try {
      // Vite's own socket to the page is not ours to judge.
      expect(await resultOf(server.resolvedUrls?.local[0] as string, false)).toEqual(EXPECTED)
    } finally {
      await server.close()
    }
  })
})

test('Next.js: a page in the browser, a route of Node and a route of the edge', async () => {
  const next = await project(['next@16.4.6', 'react@19.3.1', 'react-dom@19.3.1'])
  const answer = `import * as library from 'metafusion'
import { contract } from '../contract.js'
export const GET = async () => Response.json(await contract(library))
export const dynamic = 'force-dynamic'
`
  next.file('app/contract.js', readFileSync(CONTRACT, 'utf8'))
  next.file(
    'app/layout.js',
    'export default function Layout({ children }) { return <html lang="en"><body>{children}</body></html> }',
  )
  next.file(
    'app/page.js',
    `'use client'
import { useEffect } from 'react'
import * as library from 'metafusion'
import { contract } from './contract.js'
export default function Page() {
  useEffect(() => { globalThis.result = contract(library) }, [])
  return <p>metafusion</p>
}`,
  )
  next.file('app/node/route.js', answer)
  next.file('app/edge/route.js', `${answer}export const runtime = 'edge'\n`)
  const command = join(next.folder, 'node_modules/.bin/next')
  const env = { NEXT_TELEMETRY_DISABLED: '1' }
  await run(command, ['build'], next.folder, env)
  const port = await freePort()
  const server = spawn(command, ['start', '--port', String(port)], {
    cwd: next.folder,
    env: { ...process.env, ...env },
    detached: true,
  })
  try {
    await new Promise<void>((ready, failed) => {
      server.stdout.on('data', (line: Buffer) => line.includes('Ready') && ready())
      server.on('exit', () => failed(new Error('Next.js did not start')))
    })
    const origin = `http://127.0.0.1:${port}`
    for (const route of ['node', 'edge']) expect(await (await fetch(`${origin}/${route}`)).json(), route).toEqual(EXPECTED)
    expect(await resultOf(origin, false)).toEqual(EXPECTED)
  } finally {
    process.kill(-(server.pid as number))
    next.remove()
  }
})

const freePort = (): Promise<number> =>
  new Promise((found) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => found(port))
    })
  })

describe('Node', () => {
  test('imports it from CommonJS', async () => {
    fresh.file(
      'main.cjs',
      `import('metafusion').then(async (library) => {
        const { contract } = await import('./contract.js')
        console.log(JSON.stringify(await contract(library)))
      })`,
    )
    expect(JSON.parse(await run(process.execPath, ['main.cjs'], fresh.folder))).toEqual(EXPECTED)
  })

  test('runs it out of a bundle for Node', async () => {
    fresh.file(
      'server.js',
      APP.replace('globalThis.result =', 'export const result = await').concat('\nconsole.log(JSON.stringify(result))'),
    )
    await run(
      program('esbuild'),
      ['server.js', '--bundle', '--platform=node', '--format=esm', '--outfile=server.out.mjs'],
      fresh.folder,
    )
    expect(JSON.parse(await run(process.execPath, ['server.out.mjs'], fresh.folder))).toEqual(EXPECTED)
  })

  test('has the command', async () => {
    const version = await run(join(fresh.folder, 'node_modules/.bin/metafusion'), ['--version'], fresh.folder)
    expect(version.trim()).toMatch(/^\d+\.\d+\.\d+$/)
  })
})

describe('wrangler', () => {
  test('bundles a worker with the kernels as modules', async () => {
    const folder = join(fresh.folder, 'wrangler')
    mkdirSync(folder, { recursive: true })
    fresh.file(
      'worker.js',
      `${APP.replace('globalThis.result =', 'const result = () =>')}\nexport default { fetch: async () => Response.json(await result()) }`,
    )
    fresh.file('wrangler.json', JSON.stringify({ name: 'app', main: 'worker.js', compatibility_date: '2026-04-01' }))
    await run(program('wrangler'), ['deploy', '--dry-run', '--outdir', folder], fresh.folder, { WRANGLER_SEND_METRICS: 'false' })
    expect(readdirSync(folder).filter((name) => name.endsWith('train.wasm'))).toHaveLength(1)
  })
})

describe('types', () => {
  const SOURCE = `
import { createFusionModel } from './own.js'
import { createPredictor, modality, type Model, readModel, train, type TrainOptions, writeModel } from 'metafusion'
import { createPredictor as small } from 'metafusion/infer'

const options: TrainOptions = { config: { seed: 1 }, workers: 2 }
const data = { ids: ['a'], modalities: [modality('m', new Float32Array(1), 1)], target: { task: 'regression', outputs: ['y'], values: Float64Array.of(1) } } as const
export const model = async (): Promise<Model> => (await train(data, options)).model
export const values = async () => createPredictor(readModel(writeModel(await model()))).predict(data).values
export const same: typeof createPredictor = small
// @ts-expect-error a model is not a file
writeModel(new Uint8Array(1))
createFusionModel()
`
  const OWN = 'export const createFusionModel = (): void => {}\n'
  const options = { strict: true, noEmit: true, skipLibCheck: false, target: 'es2022', types: [] }

  test.each([
    ['NodeNext with a browser', { module: 'nodenext', lib: ['es2022', 'dom'] }],
    ['Bundler with a browser', { module: 'esnext', moduleResolution: 'bundler', lib: ['es2022', 'dom'] }],
  ])('hold without skipping libraries: %s', async (_, own) => {
    fresh.file('own.ts', OWN)
    fresh.file('main.ts', SOURCE)
    fresh.file('tsconfig.json', JSON.stringify({ compilerOptions: { ...options, ...own }, files: ['main.ts'] }))
    await run(program('tsc'), ['-p', 'tsconfig.json'], fresh.folder)
  })
})

test('typedoc documents every door without a warning', async () => {
  const web = ['index', 'infer', 'export', 'edge', 'worker', 'encoders/tfjs', 'encoders/onnx'].map((door) => `web/${door}.ts`)
  const options = [
    '--tsconfig',
    'test/hosts/typedoc.json',
    '--emit',
    'none',
    '--readme',
    'none',
    '--disableSources',
    '--skipErrorChecking',
    '--treatWarningsAsErrors',
  ]
  // Of the compiler, and between a training and its workers.
  for (const name of ['instantiate', '__AdaptedExports', 'Crew']) options.push('--intentionallyNotExported', name)
  await run(program('typedoc'), [...[...web, 'node/node.ts'].flatMap((door) => ['--entryPoints', door]), ...options], ROOT)
})

describe('the tarball', () => {
  test('is what publint and arethetypeswrong ask for', async () => {
    const { folder, tarball } = await packed()
    const { publint } = await import('publint')
    const { messages } = await publint({ pkgDir: join(fresh.folder, 'node_modules/metafusion'), strict: true, pack: false })
    expect(messages.filter(({ type }) => type !== 'suggestion')).toEqual([])
    // It ends with a code of its own for every problem.
    expect(await run(program('attw'), [tarball, '--profile', 'esm-only'], folder)).toContain('metafusion/infer')
  })

  test('installs nothing that runs a script', async () => {
    const lock = await import(join(fresh.folder, 'package-lock.json'), { with: { type: 'json' } })
    const scripted = Object.entries<{ hasInstallScript?: boolean }>(lock.default.packages).filter(
      ([, { hasInstallScript }]) => hasInstallScript,
    )
    expect(scripted.map(([name]) => name)).toEqual([])
  })
})

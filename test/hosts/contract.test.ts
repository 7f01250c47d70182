// One training, the same bits on every host: what the package installed into a fresh project comes to in each of them.

import { execFileSync, spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openChromium } from '../browser/chromium.ts'
import { openSite, watch } from '../browser/site.ts'
import { type Project, program, project, run } from './project.ts'

const CONTRACT = fileURLToPath(new URL('./contract/contract.js', import.meta.url))
const EXPECTED = JSON.parse(readFileSync(new URL('./contract/expected.json', import.meta.url), 'utf8'))

let fresh: Project
const results: string[] = []

beforeAll(async () => {
  fresh = await project()
  copyFileSync(CONTRACT, join(fresh.folder, 'contract.js'))
  fresh.file('main.js', MAIN)
  fresh.file('two.js', MAIN.replace('contract(library)', 'contract(library, { options: { workers: 2 } })'))
  fresh.file('thread.js', THREAD)
})

afterAll(() => {
  fresh?.remove()
  console.log(['', ...results, ''].join('\n'))
})

const MAIN = `
import * as library from 'metafusion'
import { contract } from './contract.js'
console.log(JSON.stringify(await contract(library)))
`
const THREAD = `
import { Worker, isMainThread, parentPort } from 'node:worker_threads'
import * as library from 'metafusion'
import { contract } from './contract.js'
if (isMainThread) new Worker(new URL(import.meta.url)).on('message', (told) => console.log(JSON.stringify(told)))
else parentPort.postMessage(await contract(library))
`

function kept(host: string, printed: string | object): void {
  const found = typeof printed === 'string' ? JSON.parse(printed) : printed
  results.push(`${host.padEnd(44)} ${found.weights?.slice(0, 16)} ${found.file?.slice(0, 16)} ${found.predictions?.slice(0, 16)}`)
  expect(found, host).toEqual(EXPECTED)
}

const versionOf = (file: string) => execFileSync(file, ['--version'], { encoding: 'utf8' }).split('\n')[0]

test('Node, the one that runs the tests, by itself and with two workers', async () => {
  const { execPath, version } = process
  kept(`Node ${version}`, await run(execPath, ['main.js'], fresh.folder))
  kept(`Node ${version}, two workers`, await run(execPath, ['two.js'], fresh.folder))
  kept(`Node ${version}, in a worker thread`, await run(execPath, ['thread.js'], fresh.folder))
})

test('Node 22', async () => {
  const node = program('node')
  kept(`Node ${versionOf(node)}`, await run(node, ['main.js'], fresh.folder))
  kept(`Node ${versionOf(node)}, two workers`, await run(node, ['two.js'], fresh.folder))
})

test('Deno, without any permission', async () => {
  const deno = program('deno')
  kept(versionOf(deno), await run(deno, ['run', '--no-prompt', 'main.js'], fresh.folder))
})

test('Bun', async () => {
  const bun = program('bun')
  kept(`Bun ${versionOf(bun)}`, await run(bun, ['main.js'], fresh.folder))
})

test('workerd: the full door trains and predicts', async () => {
  const worker = `
import * as library from 'metafusion'
import { contract } from './contract.js'
export default { fetch: async () => Response.json(await contract(library)) }
`
  const config = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = ( services = [ (name = "main", worker = .w) ],
  sockets = [ (name = "http", address = "127.0.0.1:0", http = (), service = "main") ] );
const w :Workerd.Worker = ( modules = [ (name = "worker.js", esModule = embed "worker.js"),
  (name = "train.wasm", wasm = embed "train.wasm") ], compatibilityDate = "2026-07-01" );`
  fresh.file('edge.js', worker)
  const folder = join(fresh.folder, 'edge')
  mkdirSync(folder)
  const bundling = [
    '--bundle',
    '--format=esm',
    '--conditions=workerd,worker,browser',
    '--loader:.wasm=copy',
    '--asset-names=[name]',
  ]
  await run(program('esbuild'), ['edge.js', ...bundling, `--outfile=${join(folder, 'worker.js')}`], fresh.folder)
  fresh.file('edge/config.capnp', config)
  const workerd = program('workerd')
  const served = spawn(workerd, ['serve', 'config.capnp', '--control-fd=3'], {
    cwd: folder,
    stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
  })
  try {
    const port = await new Promise<number>((found, lost) => {
      served.on('exit', (code) => lost(new Error(`workerd stopped with code ${code}`)))
      served.stdio[3]?.on('data', (line: Buffer) => {
        const told = JSON.parse(line.toString().split('\n')[0])
        if (told.event === 'listen') found(told.port)
      })
    })
    kept(versionOf(workerd), (await (await fetch(`http://127.0.0.1:${port}/`)).json()) as object)
  } finally {
    served.kill()
  }
})

test('Chromium, on the main thread, in a worker and with two workers, without a bundler', async () => {
  const asked = (options: string) => `
import * as library from '/node_modules/metafusion/dist/browser/index.js'
import { contract } from '/contract.js'
postMessage({ told: await contract(library, { options: ${options} }) }, ...(globalThis.document ? ['*'] : []))
`
  const main = `
const heard = (from, begin) => new Promise((done, failed) => {
  from.addEventListener('message', ({ data }) => data.told && done(data.told))
  from.addEventListener('error', (event) => failed(new Error(event.message ?? 'a worker failed')))
  begin?.()
})
globalThis.results = Promise.all([
  heard(globalThis),
  heard(new Worker('/worker.js', { type: 'module' })),
  heard(new Worker('/two.js', { type: 'module' })),
])
`
  const content = {
    '/index.html':
      '<!doctype html><meta charset="utf-8"><title>contract</title><script type="module" src="/main.js"></script><script type="module" src="/page.js"></script>',
    '/main.js': main,
    '/page.js': asked('{}'),
    '/worker.js': asked('{}'),
    '/two.js': asked('{ workers: 2 }'),
    '/contract.js': readFileSync(CONTRACT, 'utf8'),
    '/node_modules/': join(fresh.folder, 'node_modules/'),
  }
  const site = await openSite({ content })
  const browser = await openChromium()
  try {
    const page = await browser.newPage()
    const { elsewhere, complaints } = await watch(page, site.origin)
    await page.goto(site.origin)
    await page.waitForFunction('globalThis.results')
    const told = (await page.evaluate('globalThis.results')) as object[]
    const version = `Chromium ${browser.version()}`
    kept(`${version}, main thread`, told[0])
    kept(`${version}, in a worker`, told[1])
    kept(`${version}, two workers in a worker`, told[2])
    expect(elsewhere).toEqual([])
    expect(complaints.filter((text) => !text.includes('favicon'))).toEqual([])
  } finally {
    await browser.close()
    await site.close()
  }
})

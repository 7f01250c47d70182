// Trainings in a page that loads the package's files as they are, under a strict policy, without a bundler.

import { createHash } from 'node:crypto'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  kernels,
  openTrainSession,
  type SyntheticSpec,
  synthetic,
  type TrainConfig,
  train,
  writeModel,
} from '../../dist/node/index.js'
import { ROOT } from '../structure/imports.ts'
import { openChromium } from './chromium.ts'
import { openSite, type Site, type Watched, watch } from './site.ts'

const SPEC: SyntheticSpec = {
  rows: 120,
  modalities: [
    { name: 'left', features: 8, latents: 3, noise: 0.2, transform: 'linear', share: 1 },
    { name: 'right', features: 6, latents: 2, noise: 0.3, transform: 'quadratic', share: 1 },
  ],
  shared: { latents: 2, transform: 'linear', share: 1 },
}
const SEED = 5
const QUICK: TrainConfig = { epochs: 20, rho: [0, 1, 2], baselines: ['independent', 'early-fusion'] }
/** Trained until somebody stops it. */
const ENDLESS: TrainConfig = { epochs: 100_000, baselines: false }

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** What a page has, by the script below. */
declare const metafusion: typeof import('../../web/index.ts')
declare const study: (rows?: number) => ReturnType<typeof synthetic>
declare const hash: (bytes: Uint8Array) => Promise<string>
declare const failure: (promise: Promise<unknown>) => Promise<{ name: string; message: string; ours: boolean }>
/** Settles when a training has begun its steps. */
declare const begun: (start: (onProgress: () => void) => Promise<unknown>) => Promise<void>
declare const load: (path: string) => Promise<unknown>
declare const made: Worker[]

const PAGE = `
import * as metafusion from '/dist/browser/index.js'
const spec = ${JSON.stringify(SPEC)}
Object.assign(globalThis, {
  metafusion,
  study: (rows = spec.rows) =>
    metafusion.synthetic(metafusion.openTrainSession(metafusion.kernels('train')), { ...spec, rows }, ${SEED}),
  hash: async (bytes) =>
    Array.from(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)), (b) => b.toString(16).padStart(2, '0')).join(''),
  failure: (promise) =>
    promise.then(
      () => ({ name: 'none' }),
      (e) => ({ name: e.name, message: e.message, ours: e instanceof metafusion.HostError || e instanceof metafusion.ShapeError }),
    ),
  begun: (start) => new Promise((resolve) => void start(resolve).catch(() => {})),
  load: (path) => import(path),
  made: [],
})
`
const CONTENT = {
  '/index.html': '<!doctype html><script type="module" src="/page.js"></script>',
  '/page.js': PAGE,
  '/dist/': `${ROOT}dist`,
  '/own.js': "import '/dist/browser/worker.js'",
  '/closing.js': "import '/dist/browser/worker.js'; setTimeout(close, 300)",
  '/throwing.js': "import '/dist/browser/worker.js'; setTimeout(() => { throw new RangeError('too far') }, 300)",
  '/silent.js': 'globalThis.nothing = 0',
}

let browser: Browser
let site: Site
let isolated: Site
beforeAll(async () => {
  site = await openSite({ content: CONTENT })
  isolated = await openSite({ content: CONTENT, isolated: true })
  browser = await openChromium()
})
afterAll(async () => {
  await browser?.close()
  await site?.close()
  await isolated?.close()
})

let page: Page
let watched: Watched
async function open(at: Site = site): Promise<void> {
  page = await (await browser.newContext()).newPage()
  watched = await watch(page, at.origin)
  await page.goto(at.origin)
  await page.waitForFunction(() => 'made' in globalThis)
}
beforeEach(() => open())
afterEach(async () => {
  await page.context().close()
  expect(watched.elsewhere).toEqual([])
})

/** What Node's training leaves of the same data. */
async function nodes(config: TrainConfig) {
  const data = synthetic(openTrainSession(kernels('train')), SPEC, SEED)
  const { model, methods } = await train(data, { config })
  return { model: sha256(writeModel(model)), methods }
}

/** The same by a Fusion of the page, and what was told meanwhile. */
const trained = (config: TrainConfig, workers?: number) =>
  page.evaluate(
    async ([config, workers]) => {
      const fusion = metafusion.createFusion()
      const stages: string[] = []
      const data = study()
      const { model, methods } = await fusion.train(data, { config, workers, onProgress: ({ stage }) => stages.push(stage) })
      const { values } = await fusion.predict(model, data)
      const same = values.every((value, i) => Object.is(value, metafusion.predict(model, data).values[i]))
      fusion.dispose()
      return { model: await hash(metafusion.writeModel(model)), methods, stages, same }
    },
    [config, workers] as const,
  )

describe('a page of the packed files', () => {
  test('trains in a worker to the bytes that Node gets, and predicts there what it predicts here', async () => {
    const { stages, same, ...result } = await trained(QUICK)
    expect(result).toEqual(await nodes(QUICK))
    expect(same).toBe(true)
    expect(stages).toContain('sharing')
    expect(watched.complaints).toEqual([])
  })

  test('trains by workers of the worker, to the same bytes', async () => {
    const { model, methods } = await trained(QUICK, 3)
    expect({ model, methods }).toEqual(await nodes(QUICK))
    expect(watched.complaints).toEqual([])
  })

  test('that is cross-origin isolated does, too', async () => {
    await page.context().close()
    await open(isolated)
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true)
    const { model, methods } = await trained(QUICK, 2)
    expect({ model, methods }).toEqual(await nodes(QUICK))
  })

  test('trains on its own thread with workers beside it, to the same bytes', async () => {
    const model = await page.evaluate(async (config) => {
      const { model } = await metafusion.train(study(), { config, workers: 2 })
      return hash(metafusion.writeModel(model))
    }, QUICK)
    expect(model).toBe((await nodes(QUICK)).model)
  })

  test('trains by relaxed SIMD in a worker, where it is asked for', async () => {
    const numerics = await page.evaluate(async (config) => {
      const fusion = metafusion.createFusion()
      const { model } = await fusion.train(study(), { config, numerics: 'fast' })
      fusion[Symbol.dispose]()
      return model.provenance.numerics
    }, QUICK)
    expect(numerics).toBe('fast')
    await expect.poll(() => page.workers().length).toBe(0)
  })

  test('plans in a worker what it plans here', async () => {
    const [there, here] = await page.evaluate(async (config) => {
      const fusion = metafusion.createFusion()
      const plans = [await fusion.plan(study(), { config }), metafusion.plan(study(), { config })]
      return plans.map(({ seconds, ...plan }) => plan)
    }, QUICK)
    expect(there).toEqual(here)
  })

  test('starts clean when it is loaded again while it trains', async () => {
    await page.evaluate((config) => {
      const fusion = metafusion.createFusion()
      return begun((onProgress) => fusion.train(study(), { config, workers: 2, onProgress }))
    }, ENDLESS)
    expect(page.workers().length).toBeGreaterThan(0)
    await page.reload()
    await page.waitForFunction(() => 'made' in globalThis)
    expect(page.workers()).toEqual([])
    expect((await trained(QUICK)).model).toBe((await nodes(QUICK)).model)
    expect(watched.complaints).toEqual([])
  })
})

describe('a fusion', () => {
  test('keeps what it is given, and calls of one worker wait for each other', async () => {
    const result = await page.evaluate(async (config) => {
      const fusion = metafusion.createFusion()
      const data = study()
      const order: string[] = []
      const { model } = await fusion.train(data, { config })
      await Promise.all([
        fusion.train(data, { config }).then(() => order.push('trained')),
        fusion.predict(model, data).then(() => order.push('predicted')),
      ])
      const [{ columns }] = data.modalities
      return { order, bytes: columns[0].kind === 'number' && columns[0].values.byteLength }
    }, QUICK)
    expect(result).toEqual({ order: ['trained', 'predicted'], bytes: 8 * SPEC.rows })
  })

  test('works beside another one', async () => {
    const [one, two, alone] = await page.evaluate(async (config) => {
      const fusions = [metafusion.createFusion(), metafusion.createFusion()]
      const both = await Promise.all(fusions.map((fusion, seed) => fusion.train(study(), { config: { ...config, seed } })))
      both.push(await fusions[0].train(study(), { config: { ...config, seed: 1 } }))
      return Promise.all(both.map(({ model }) => hash(metafusion.writeModel(model))))
    }, QUICK)
    expect(two).toBe(alone)
    expect(one).not.toBe(two)
  })

  test('is stopped by a signal with its reason, says nothing after that, and can be used again', async () => {
    const result = await page.evaluate(
      async ([endless, config]) => {
        const fusion = metafusion.createFusion()
        const stop = new AbortController()
        let told = 0
        const training = fusion.train(study(), {
          config: endless,
          signal: stop.signal,
          onProgress: () => ++told === 5 && stop.abort(),
        })
        const { name } = await failure(training)
        const last = told
        const { model } = await fusion.train(study(), { config })
        return { name, more: told - last, model: await hash(metafusion.writeModel(model)) }
      },
      [ENDLESS, QUICK] as const,
    )
    expect(result).toEqual({ name: 'AbortError', more: 0, model: (await nodes(QUICK)).model })
  })

  test('stops what waits for its turn, and not what it waits for', async () => {
    const result = await page.evaluate(async (config) => {
      const fusion = metafusion.createFusion()
      const stop = new AbortController()
      const order: string[] = []
      const first = fusion.train(study(), { config }).then(() => order.push('first'))
      const second = failure(fusion.train(study(), { config, signal: stop.signal })).then(({ name }) => order.push(name))
      stop.abort()
      await Promise.all([first, second])
      return order
    }, QUICK)
    expect(result).toEqual(['AbortError', 'first'])
  })

  test('gives up a training whose onProgress throws, with that error', async () => {
    const result = await page.evaluate((config) => {
      const onProgress = () => {
        throw new EvalError('enough')
      }
      return failure(metafusion.createFusion().train(study(), { config, onProgress }))
    }, ENDLESS)
    expect(result).toMatchObject({ name: 'EvalError', message: 'enough' })
  })

  test('rejects what is not done when it is disposed of, and whatever comes then, and leaves no worker', async () => {
    const result = await page.evaluate(async (config) => {
      const fusion = metafusion.createFusion({ workers: 2 })
      const trainings = [1, 2].map((seed) => failure(fusion.train(study(), { config: { ...config, seed } })))
      await new Promise((resume) => setTimeout(resume, 300))
      fusion.dispose()
      return Promise.all([...trainings, failure(fusion.plan(study()))])
    }, ENDLESS)
    const error = { name: 'HostError', message: 'this fusion was disposed of: create another one', ours: true }
    expect(result).toEqual([error, error, error])
    await expect.poll(() => page.workers().length).toBe(0)
  })

  test('says what is wrong as it is said here, by an error of the same class', async () => {
    const [there, here] = await page.evaluate(async (config) => {
      const data = study()
      const wrong = { ...data, ids: data.ids.slice(1) }
      const asked = { config }
      return Promise.all([failure(metafusion.createFusion().train(wrong, asked)), failure(metafusion.train(wrong, asked))])
    }, QUICK)
    expect(here).toMatchObject({ name: 'ShapeError', ours: true })
    expect(there).toEqual(here)
  })
})

describe('a worker that dies', () => {
  const CAUSES: [string, string, RegExp][] = [
    ['closes itself', '/closing.js', /^the worker ended because it was closed or terminated: call again/],
    ['throws what nobody catches', '/throwing.js', /^the worker ended because of ".*RangeError: too far": call again/],
    ['cannot be loaded', '/nowhere.js', /^the worker ended because its file cannot be loaded: give createFusion a createWorker/],
  ]
  test.each(CAUSES)(
    'because it %s rejects its call by a HostError, and the next call has another one',
    async (_, file, message) => {
      const result = await page.evaluate(
        async ([file, endless, config]) => {
          const files = [file, '/own.js']
          const createWorker = () => new Worker(files.shift() as string, { type: 'module' })
          const fusion = metafusion.createFusion({ createWorker })
          const [died, after] = [fusion.train(study(), { config: endless }), fusion.train(study(), { config, workers: 2 })]
          return { ...(await failure(died)), model: await hash(metafusion.writeModel((await after).model)) }
        },
        [file, ENDLESS, QUICK] as const,
      )
      expect(result).toEqual({
        name: 'HostError',
        message: expect.stringMatching(message),
        ours: true,
        model: (await nodes(QUICK)).model,
      })
    },
  )

  test('while it does a job of a training has that job done again by another one, to the same bytes', async () => {
    const longer = { ...QUICK, epochs: 400 }
    let count = 0
    page.on('worker', () => count++)
    const training = page.evaluate(async (config) => {
      const { model } = await metafusion.createFusion().train(study(), { config, workers: 2 })
      return hash(metafusion.writeModel(model))
    }, longer)
    while (count < 3) await page.waitForTimeout(10)
    await page.workers()[2].evaluate(() => close())
    expect(await training).toBe((await nodes(longer)).model)
    expect(count).toBe(4)
  })

  test('because it is terminated from outside rejects its call by a HostError', async () => {
    const result = await page.evaluate(async (config) => {
      const createWorker = () => {
        made.push(new Worker('/own.js', { type: 'module' }))
        return made[0]
      }
      const fusion = metafusion.createFusion({ createWorker })
      const training = fusion.train(study(), { config, onProgress: () => made[0].terminate() })
      return failure(training)
    }, ENDLESS)
    expect(result).toMatchObject({ name: 'HostError', message: expect.stringMatching(/^the worker ended because it was closed/) })
  })

  test('or never answers is given up after half a minute', async () => {
    await page.clock.install()
    const result = page.evaluate(async (config) => {
      const createWorker = () => new Worker('/silent.js', { type: 'module' })
      return failure(metafusion.createFusion({ createWorker }).train(study(), { config }))
    }, QUICK)
    while (page.workers().length === 0) await new Promise((resume) => setTimeout(resume, 20))
    await page.clock.fastForward(31_000)
    expect(await result).toMatchObject({
      name: 'HostError',
      message: expect.stringMatching(
        /^the worker ended because it did not answer within 30 seconds of its start: give createFusion/,
      ),
    })
  })
})

test('a policy without workers is said as what it is', async () => {
  const csp = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'none'; connect-src 'self'"
  const strict = await openSite({ content: CONTENT, csp })
  try {
    await page.context().close()
    await open(strict)
    const result = await page.evaluate((config) => failure(metafusion.createFusion().train(study(), { config })), QUICK)
    expect(result).toMatchObject({ name: 'HostError', message: expect.stringContaining('give createFusion a createWorker') })
  } finally {
    await strict.close()
  }
})

test('the door of workers refuses a page', async () => {
  const message = await page.evaluate(() => load('/dist/browser/worker.js').then(String, (e: Error) => e.message))
  expect(message).toBe('"metafusion/worker" is imported by a page: import it in the file of a worker')
})

// Trainings in a worker thread that stands for the caller's, as a user of the built package has them.

import { execFileSync } from 'node:child_process'
import { Worker } from 'node:worker_threads'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createFusion, type FusionOptions, HostError, ShapeError, train, writeModel } from '../../dist/node/index.js'
import { host } from '../../node/host.ts'
import { fusionOn } from '../../src/service/fusion.ts'
import type { TrainConfig } from '../../src/train/config.ts'
import { ownThread } from '../../web/edge/own-thread.ts'
import { answer } from '../../web/serve.ts'
import { asked } from '../../web/wire.ts'
import { QUICK, SOME, study } from '../recipe/studies.ts'
import { ROOT } from '../structure/imports.ts'

const { data, splits } = study({ present: SOME, outputs: 2 })
const ENDLESS: TrainConfig = { ...QUICK, epochs: 100_000 }

const fusions = {
  'of a thread': (options?: FusionOptions) => createFusion(options),
  'of the same thread, as at the edge': ({ workers }: FusionOptions = {}) => fusionOn(() => ownThread(host), workers),
}

describe.each(Object.entries(fusions))('a fusion %s', (_, create) => {
  function opened(options?: FusionOptions) {
    const fusion = create(options)
    onTestFinished(() => fusion.dispose())
    return fusion
  }

  test('trains to the bytes of a training here, plans and predicts', async () => {
    const fusion = opened()
    const asked = { config: QUICK, splits }
    const stages = new Set<string>()
    const here = await train(data, asked)
    const there = await fusion.train(data, { ...asked, onProgress: ({ stage }) => stages.add(stage) })
    expect(writeModel(there.model)).toEqual(writeModel(here.model))
    expect(there.methods).toEqual(here.methods)
    expect(stages.size).toBeGreaterThan(0)
    expect((await fusion.plan(data, asked)).students).toHaveLength(there.model.students.length)
    const { values } = await fusion.predict(there.model, data)
    expect(values).toHaveLength(2 * data.ids.length)
  })

  test('ends by a signal with its reason, and can be used again', async () => {
    const fusion = opened()
    const stop = new AbortController()
    const reason = new Error('enough')
    const training = fusion.train(data, { config: ENDLESS, splits, signal: stop.signal, onProgress: () => stop.abort(reason) })
    await expect(training).rejects.toBe(reason)
    await expect(fusion.train(data, { config: QUICK, splits, signal: stop.signal })).rejects.toBe(reason)
    expect((await fusion.train(data, { config: QUICK, splits })).methods.length).toBeGreaterThan(1)
  })

  test('says what is wrong by an error of its name', async () => {
    const wrong = { ...data, ids: data.ids.slice(1) }
    const here = await train(wrong, { config: QUICK, splits }).catch((error: Error) => error)
    await expect(opened().train(wrong, { config: QUICK, splits })).rejects.toMatchObject({
      name: 'ShapeError',
      message: (here as Error).message,
    })
  })

  test('rejects what is not done when it is disposed of, and what comes then', async () => {
    const fusion = opened()
    const sentence = 'this fusion was disposed of: create another one'
    const [first, second] = [1, 2].map((seed) => fusion.train(data, { config: { ...ENDLESS, seed }, splits }))
    const dispose = () => fusion.dispose()
    setTimeout(dispose, 100)
    await Promise.all([first, second].map((training) => expect(training).rejects.toThrow(sentence)))
    await expect(fusion.plan(data)).rejects.toMatchObject({ name: 'HostError', message: sentence })
  })
})

describe('a fusion of a thread', () => {
  test('trains by threads of that thread, to the same bytes', async () => {
    const fusion = createFusion({ workers: 2 })
    onTestFinished(() => fusion.dispose())
    const { model } = await fusion.train(data, { config: QUICK, splits })
    expect(writeModel(model)).toEqual(writeModel((await train(data, { config: QUICK, splits })).model))
  })

  test('that dies rejects its call by a HostError, and the next call has another one', async () => {
    const file = new URL('../../dist/node/worker.js', import.meta.url)
    const made: Worker[] = []
    const createWorker = () => {
      made.push(new Worker(file))
      return made[made.length - 1]
    }
    const fusion = createFusion({ createWorker })
    onTestFinished(() => fusion.dispose())
    const training = fusion.train(data, { config: ENDLESS, splits, onProgress: () => void made[0].terminate() })
    await expect(training).rejects.toThrow(HostError)
    await expect(training).rejects.toThrow(/^the worker ended because it stopped with code 1: call again, which starts another/)
    expect((await fusion.train(data, { config: QUICK, splits })).methods.length).toBeGreaterThan(1)
    expect(made).toHaveLength(2)
  })

  test('has errors of the classes of here', async () => {
    const fusion = createFusion()
    onTestFinished(() => fusion.dispose())
    await expect(fusion.train({ ...data, ids: data.ids.slice(1) }, { config: QUICK, splits })).rejects.toThrow(ShapeError)
  })

  test('lets the process end when it is disposed of', () => {
    const program = `
      import { createFusion } from 'metafusion'
      const fusion = createFusion()
      await fusion.plan({}).catch((error) => console.log(error.name))
      fusion.dispose()`
    const printed = execFileSync(process.execPath, ['--input-type=module', '--eval', program], { cwd: ROOT, encoding: 'utf8' })
    expect(printed.trim()).toBe('TypeError')
  })
})

describe('an error that crosses to another thread', () => {
  /** What arrives of what is thrown. */
  async function crossed(thrown: unknown): Promise<unknown> {
    const { port1, port2 } = new MessageChannel()
    onTestFinished(() => port1.close())
    const fail = () => {
      throw thrown
    }
    answer(port1, { fail })
    return asked<{ fail(): Promise<never> }>({ endpoint: port2 })
      .fail()
      .catch((error: unknown) => error)
  }

  test('keeps its name, message, stack and data, without what cannot be sent', async () => {
    const error = Object.assign(new RangeError('too far', { cause: new Error('steep') }), { row: 3, cells: [1, 2], ask() {} })
    const arrived = await crossed(error)
    expect(arrived).toBeInstanceOf(RangeError)
    expect(arrived).toMatchObject({ name: 'RangeError', message: 'too far', row: 3, cells: [1, 2], stack: error.stack })
    expect((arrived as Error).cause).toMatchObject({ message: 'steep' })
    expect(arrived).not.toHaveProperty('ask')
  })

  test('is of its class where that is known, and has its name anyway', async () => {
    const known = await crossed(new ShapeError('3 rows'))
    expect(known).toMatchObject({ name: 'ShapeError', message: '3 rows' })
    expect(Object.getPrototypeOf(known).constructor.name).toBe('ShapeError')
    const unknown = await crossed(Object.assign(new Error('odd'), { name: 'OddError' }))
    expect(unknown).toBeInstanceOf(Error)
    expect(unknown).toMatchObject({ name: 'OddError', message: 'odd' })
    expect(await crossed(new DOMException('enough', 'AbortError'))).toMatchObject({ name: 'AbortError', message: 'enough' })
  })

  test('need not be one', async () => {
    expect(await crossed({ code: 7 })).toEqual({ code: 7 })
  })
})

import { readFileSync } from 'node:fs'
import type { Model } from '../../src/fusion/model.ts'
import { createPredictor } from '../../src/fusion/predictor.ts'
import { openSession } from '../../src/wasm/session.ts'
import { createService, type Facts, type ServiceOptions } from '../../web/service.ts'

const kernels = new WebAssembly.Module(readFileSync(new URL('../../build/infer.wasm', import.meta.url)))

/** What is answered. */
export const jsonOf = async (response: Response) => JSON.parse(await response.text())

/** A service, and what it logs. */
export function serviceOf(model: Model, options: Partial<ServiceOptions> = {}) {
  const session = openSession(kernels)
  const logged: Facts[] = []
  const app = createService({
    model,
    predictor: (rule) => createPredictor(session, model, rule),
    log: (facts) => logged.push(facts),
    ...options,
  })
  const fetch = async (path: string, init?: RequestInit & { duplex?: 'half' }) =>
    app.fetch(new Request(`https://service.example${path}`, init))
  const predict = (body: string | Uint8Array<ArrayBuffer>, type = 'application/json', path = '/v1/predict') =>
    fetch(path, { method: 'POST', body, headers: { 'content-type': type } })
  /** Sends rows as JSON; the status and what is answered. */
  const ask = async (rows: unknown, path?: string) => {
    const response = await predict(JSON.stringify({ rows }), undefined, path)
    return { status: response.status, answer: await jsonOf(response) }
  }
  return { app, fetch, predict, ask, logged }
}

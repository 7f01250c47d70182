/**
 * The prediction service at the edge: on workerd, where kernels and model come as modules or from bindings.
 * @module
 */

import { readModel } from '../src/formats/model-file.ts'
import { createAssessor, createPredictor } from './edge/infer.ts'
import { createService, type Service, type ServiceOptions } from './service.ts'

export { readArrow } from './service/arrow.ts'
export type { Limits } from './service/card.ts'
export type { Asked, Reader } from './service/sheet.ts'
export { createService, type Env, type Facts, type Service, type ServiceOptions } from './service.ts'

export type Bytes = ArrayBuffer | Uint8Array

export interface EdgeOptions<Env> {
  /** The bytes of the model file: imported as a module, or a function that gets them, from R2 or KV for instance. */
  readonly model: Bytes | ((env: Env) => Bytes | Promise<Bytes>)
  /** The service's, which may come from the environment. */
  readonly service?: (env: Env) => Omit<ServiceOptions, 'model' | 'predictor' | 'assessor'>
}

/** What a worker exports by default. */
export interface Edge<Env> {
  fetch(request: Request, env: Env): Promise<Response>
}

/** A worker that serves a model. It is read at the first request and kept as long as the isolate lives. */
export function createEdge<Env>({ model, service: options }: EdgeOptions<Env>): Edge<Env> {
  let service: Service | undefined
  // What is kept is the service, not a promise of it: at the edge no request may wait for what another began.
  const opened = async (env: Env) => {
    service ??= serviceOf(await (typeof model === 'function' ? model(env) : model), options?.(env) ?? {})
    return service
  }
  return {
    async fetch(request, env) {
      let app: Service
      try {
        app = await opened(env)
      } catch (error) {
        const requestId = crypto.randomUUID()
        console.error(requestId, error)
        return unavailable(requestId)
      }
      return app.fetch(request, env as object)
    },
  }
}

const unavailable = (requestId: string) => {
  const error = { name: 'ServerError', message: 'the service cannot open its model: tell its operator the request id' }
  return Response.json({ error, requestId }, { status: 503, headers: { 'x-request-id': requestId, 'cache-control': 'no-store' } })
}

function serviceOf(bytes: Bytes, options: Omit<ServiceOptions, 'model' | 'predictor' | 'assessor'>): Service {
  const model = readModel(bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes))
  return createService({
    ...options,
    model,
    predictor: (rule) => createPredictor(model, rule),
    assessor: () => createAssessor(model),
  })
}

// A model behind HTTP, on any host that speaks Request and Response. How kernels are found is the host's part.

import type { Context } from 'hono'
import { Hono } from 'hono'
import { routePath } from 'hono/route'
import { ConfigError } from '../src/core/errors.ts'
import type { Inputs } from '../src/data/dataset.ts'
import type { Assessment, Assessor } from '../src/fusion/assess.ts'
import { builtRules, type Rule } from '../src/fusion/ensemble.ts'
import { type Model, ownRule } from '../src/fusion/model.ts'
import type { Predictor } from '../src/fusion/predictor.ts'
import { answerOf } from './service/answer.ts'
import { bytesOf, mediaOf } from './service/body.ts'
import { cardOf, type Limits } from './service/card.ts'
import { readCsv } from './service/csv.ts'
import { readJson } from './service/json.ts'
import { openapiOf } from './service/openapi.ts'
import { pageOf, policyOf } from './service/page.ts'
import { Refusal, refusalOf } from './service/refusal.ts'
import type { Reader } from './service/sheet.ts'
import { carries } from './service/token.ts'

/** A request, without what it carried. */
export interface Facts {
  readonly id: string
  readonly method: string
  /** The path asked, as the service names it; `unknown` for any other. */
  readonly path: string
  readonly status: number
  readonly ms: number
  /** Rows predicted. */
  readonly rows: number
  /** The name of the error, if there was one; and of the service's own, where in the code. */
  readonly error?: string
  readonly stack?: string
}

export interface ServiceOptions {
  readonly model: Model
  /** The model's predictor by a rule. Asked once for each rule, when it is needed first. */
  readonly predictor: (rule: Rule) => Predictor
  /** The model's assessor, for requests with a `level`: none is answered when left out. Asked once, when it is needed first. */
  readonly assessor?: () => Assessor
  /** What requests must carry as `Authorization: Bearer`, but for / and /healthz. */
  readonly token?: string
  /** Origins of pages that may ask, such as `https://clinic.example`. */
  readonly origins?: readonly string[]
  /** Taken at once; 1 MiB and 1024 rows when left out. */
  readonly limits?: Partial<Limits>
  /** Takes bodies of Arrow: `readArrow`, where its library may be loaded and those who ask are trusted. */
  readonly arrow?: Reader
  /** Told of every request when it is answered. */
  readonly log?: (facts: Facts) => void
  /** Milliseconds from whenever. */
  readonly now?: () => number
}

export type Env = { Variables: { id: string; rows: number; error?: Error } }

/** The service: a Hono app, to which a host may add routes of its own before the first request. */
export type Service = Hono<Env>

const ARROW = ['application/vnd.apache.arrow.stream', 'application/vnd.apache.arrow.file']
/** Paths that need no token. */
const OPEN = ['/', '/healthz']

/** @throws ConfigError for a token or an origin that no request can carry */
export function createService(options: ServiceOptions): Service {
  const { model, token, arrow } = options
  checkOptions(options)
  const limits: Limits = { bodyBytes: 2 ** 20, rows: 1024, ...options.limits }
  const readers = new Map<string, Reader>([
    ['application/json', readJson],
    ['text/csv', readCsv],
    ...(arrow ? ARROW.map((media) => [media, arrow] as const) : []),
  ])
  const media = [...readers.keys()]
  const card = cardOf(model, limits, media)
  const predictors = predictorsOf(options)
  const assessor = assessorOf(options)

  const app: Service = new Hono<Env>()
  app.onError((error, c) => {
    c.set('error', error)
    const { status, name, message, place, headers } = refusalOf(error)
    const body = JSON.stringify({ error: { name, message, ...place }, requestId: c.get('id') })
    return new Response(body, { status, headers: { ...headers, 'content-type': 'application/json' } })
  })
  app.notFound(() => {
    throw new Refusal(404, 'NotFoundError', 'there is nothing at this path: see / for those that there are')
  })
  app.use(accounts(options))
  app.use(origins(options.origins ?? []))
  if (token !== undefined) app.use(guard(token))

  app.get('/', (c) => {
    const nonce = crypto.randomUUID()
    c.header('content-security-policy', policyOf(nonce))
    return c.html(pageOf(token === undefined ? card : undefined, limits, media, nonce))
  })
  app.get('/healthz', (c) => c.json({ status: 'ok' }))
  app.get('/openapi.json', (c) => c.json(openapiOf(model, limits, media, token !== undefined)))
  app.get('/v1/model', (c) => c.json(card))
  app.post('/v1/predict', async (c) => {
    const rule = c.req.query('rule') ?? ownRule(model)
    const level = c.req.query('level')
    const predict = level === undefined ? predictors(rule).predict : assessor(level, rule)
    const read = readers.get(mediaOf(c.req.raw, media))!
    const asked = await read(await bytesOf(c.req.raw, limits.bodyBytes), model.preparations, limits.rows)
    const answer = answerOf(model, rule as Rule, asked, predict(asked.inputs))
    c.set('rows', asked.ids.length)
    return c.json(answer)
  })
  for (const path of ['/', '/healthz', '/openapi.json', '/v1/model']) app.all(path, refuseMethod('GET, HEAD, OPTIONS'))
  app.all('/v1/predict', refuseMethod('POST, OPTIONS'))
  return app
}

function checkOptions({ token, origins = [] }: ServiceOptions): void {
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token)) {
    throw new ConfigError('the token is empty or has characters that no header can carry: give printable ASCII without spaces')
  }
  const wrong = origins.find((origin) => !URL.canParse(origin) || new URL(origin).origin !== origin)
  if (wrong !== undefined) {
    throw new ConfigError(
      `the origin ${JSON.stringify(wrong)} is none: give a scheme, a host and maybe a port, such as https://clinic.example`,
    )
  }
}

/** The model's predictors, made when they are needed. */
function predictorsOf({ model, predictor }: ServiceOptions): (rule: string) => Predictor {
  const made = new Map<string, Predictor>()
  const rules: readonly string[] = builtRules(model.ensembles)
  return (rule) => {
    if (!rules.includes(rule)) throw new ConfigError(`the model does not have the rule asked for: it has ${rules.join(', ')}`)
    const mine = made.get(rule) ?? predictor(rule as Rule)
    made.set(rule, mine)
    return mine
  }
}

/** Predictions at a level, by the model's own ensemble. */
function assessorOf({ model, assessor }: ServiceOptions): (level: string, rule: string) => (inputs: Inputs) => Assessment {
  let made: Assessor | undefined
  return (text, rule) => {
    if (!assessor || !model.calibration)
      throw new ConfigError('the model has no calibration, so nothing is known of a level: leave it out')
    const own = ownRule(model)
    if (rule !== own) throw new ConfigError(`a level goes with the model's own ensemble, ${own}: leave the rule out`)
    const level = Number(text)
    if (!(level > 0 && level < 1))
      throw new ConfigError(`the level is ${JSON.stringify(text)}: give a share between 0 and 1, as 0.9`)
    made ??= assessor()
    const { assess } = made
    return (inputs) => assess(inputs, level)
  }
}

type Middleware = (c: Context<Env>, next: () => Promise<void>) => Promise<Response | undefined>

/** Gives every request an id, every answer its headers, and the log its facts. */
const accounts =
  ({ log, now = () => performance.now() }: ServiceOptions): Middleware =>
  async (c, next) => {
    const start = now()
    const given = c.req.header('x-request-id') ?? ''
    const id = /^[\w.-]{1,64}$/.test(given) ? given : crypto.randomUUID()
    c.set('id', id)
    c.set('rows', 0)
    await next()
    c.header('x-request-id', id)
    c.header('cache-control', 'no-store')
    c.header('x-content-type-options', 'nosniff')
    c.header('referrer-policy', 'no-referrer')
    const path = routePath(c, -1)
    const error = c.get('error')
    log?.({
      id,
      method: c.req.method,
      path: path.startsWith('/') && !path.includes('*') ? path : 'unknown',
      status: c.res.status,
      ms: now() - start,
      rows: c.get('rows'),
      ...(error && { error: error.name }),
      // Where, not what: a message may hold what was sent.
      ...(error && c.res.status === 500 && { stack: error.stack?.replace(/^(?! {4}at ).*\n?/gm, '') }),
    })
    return undefined
  }

/** Lets pages of these origins ask. */
const origins =
  (allowed: readonly string[]): Middleware =>
  async (c, next) => {
    const origin = c.req.header('origin')
    const mine = origin !== undefined && allowed.includes(origin)
    const preflight = mine && c.req.method === 'OPTIONS' && c.req.header('access-control-request-method') !== undefined
    if (preflight) {
      c.header('access-control-allow-methods', 'GET, HEAD, POST')
      c.header('access-control-allow-headers', 'authorization, content-type, x-request-id')
      c.header('access-control-max-age', '600')
      c.res = c.body(null, 204)
    } else await next()
    if (mine) {
      c.header('access-control-allow-origin', origin)
      c.header('access-control-expose-headers', 'x-request-id')
    }
    if (allowed.length > 0) c.header('vary', 'Origin')
    return undefined
  }

/** Lets those pass who have the token. */
const guard =
  (token: string): Middleware =>
  async (c, next) => {
    if (!OPEN.includes(c.req.path) && !(await carries(c.req.raw, token))) {
      const sentence = 'the token is missing or wrong: send it as Authorization: Bearer TOKEN'
      throw new Refusal(401, 'TokenError', sentence, {}, { 'www-authenticate': 'Bearer realm="metafusion"' })
    }
    await next()
    return undefined
  }

const refuseMethod = (allow: string) => (c: Context<Env>) => {
  if (c.req.method === 'OPTIONS') return c.body(null, 204, { allow })
  throw new Refusal(405, 'MethodError', `this path takes ${allow}`, {}, { allow })
}

// The service in OpenAPI 3.1, with the names of the model it serves.

import { VERSION } from '../../src/core/version.ts'
import { type ColumnPreparation, usually } from '../../src/data/prepare.ts'
import { builtRules } from '../../src/fusion/ensemble.ts'
import { type Model, modelOutputs, ownRule } from '../../src/fusion/model.ts'
import { type Card, cardOf, type Limits } from './card.ts'

type Json = { readonly [name: string]: unknown }

const text: Json = { type: 'string' }
const number: Json = { type: 'number' }
const truth: Json = { type: 'boolean' }
const count: Json = { type: 'integer', minimum: 0 }
const list = (items: Json): Json => ({ type: 'array', items })
const maybe = (schema: Json): Json => ({ anyOf: [schema, { type: 'null' }] })
const ref = (name: string): Json => ({ $ref: `#/components/schemas/${name}` })

/** An object of these fields and no others. @param optional those that may be absent */
function object(properties: Json, optional: readonly string[] = []): Json {
  const required = Object.keys(properties).filter((name) => !optional.includes(name))
  return { type: 'object', properties, required, additionalProperties: false }
}

const json = (name: string, description: string, headers?: Json): Json => ({
  description,
  ...(headers ? { headers } : {}),
  content: { 'application/json': { schema: ref(name) } },
})

const LEVEL: Json = {
  name: 'level',
  in: 'query',
  description: 'How often sets or intervals should hold the truth; they are not told when it is left out',
  schema: { type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 1 },
}

/** What any request may be refused with, by status. */
const REFUSALS: Readonly<Record<string, string>> = {
  400: 'The body cannot be read',
  401: 'The token is missing or wrong',
  405: 'The path does not have this method',
  413: 'More bytes or rows than are taken at once',
  415: 'The body is of no type that is taken',
  422: 'The body can be read and not predicted; the error names the row and feature where there is one',
  500: 'The service failed',
  503: 'The service cannot answer now',
}

const refusals = (...statuses: number[]): Json =>
  Object.fromEntries(statuses.map((status) => [status, json('Refusal', REFUSALS[status])]))

/** The document of /openapi.json. @param media types of body that are taken @param secured whether a token is asked for */
export function openapiOf(model: Model, limits: Limits, media: readonly string[], secured: boolean) {
  const card = cardOf(model, limits, media)
  const guarded: number[] = secured ? [401] : []
  const security = secured ? [{ token: [] }] : []
  return {
    openapi: '3.1.0',
    info: {
      title: model.provenance.title || 'Meta Fusion',
      version: VERSION,
      description: 'Predictions of a fusion model. Any modality of any row may be missing.',
    },
    servers: [{ url: '.' }],
    paths: {
      '/v1/predict': {
        post: {
          operationId: 'predict',
          summary: 'Predicts rows',
          security,
          parameters: [
            {
              name: 'rule',
              in: 'query',
              description: `How students are combined; ${ownRule(model)} when left out`,
              schema: { type: 'string', enum: builtRules(model.ensembles) },
            },
            ...(model.calibration ? [LEVEL] : []),
          ],
          requestBody: { required: true, content: contentOf(card) },
          responses: {
            200: json('Answer', 'A prediction of each row, in their order'),
            ...refusals(400, ...guarded, 413, 415, 422, 500, 503),
          },
        },
      },
      '/v1/model': {
        get: {
          operationId: 'model',
          summary: 'Says what the model is, must be given and predicts',
          security,
          responses: { 200: json('Card', 'The model'), ...refusals(...guarded, 500) },
        },
      },
      '/healthz': {
        get: {
          operationId: 'health',
          summary: 'Says that the service can answer',
          security: [],
          responses: { 200: json('Health', 'It can'), ...refusals(500) },
        },
      },
    },
    components: {
      ...(secured ? { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } } : {}),
      schemas: { ...schemasOf(model, limits, card), Health: object({ status: { const: 'ok' } }), Refusal: REFUSAL },
    },
  }
}

const REFUSAL = object({
  error: object({ name: text, message: text, row: count, modality: text, feature: text }, ['row', 'modality', 'feature']),
  requestId: text,
})

/** Bodies by media type. */
function contentOf({ media, example }: Card): Json {
  const columns = 'Columns are named modality.feature, and id if rows have names.'
  const schemas: Record<string, Json> = {
    'application/json': { schema: ref('Rows'), example },
    'text/csv': { schema: { type: 'string', description: columns } },
  }
  const binary = { schema: { type: 'string', format: 'binary', description: columns } }
  return Object.fromEntries(media.map((name) => [name, schemas[name] ?? binary]))
}

function schemasOf(model: Model, limits: Limits, card: Card): Json {
  const { target, preparations } = model
  const named = object(Object.fromEntries(modelOutputs(target).map((name) => [name, number])))
  const said: Json =
    target.task === 'regression'
      ? { values: maybe(named) }
      : { prediction: maybe({ type: 'string', enum: target.classes }), probabilities: maybe(named) }
  const cells = preparations.map(({ modality, columns }) => {
    const features = Object.fromEntries(columns.map((column) => [column.name, cellOf(column)]))
    return [modality, maybe(object(features, Object.keys(features)))] as const
  })
  const modalities = Object.fromEntries(cells)
  const row = object({ id: maybe(text), modalities: object(modalities, Object.keys(modalities)) }, ['id', 'modalities'])
  const student = object({ name: text, weight: number })
  const ends = object({ low: maybe(number), high: maybe(number) })
  const region: Json =
    target.task === 'regression'
      ? { interval: maybe(object(Object.fromEntries(modelOutputs(target).map((name) => [name, ends])))) }
      : { set: maybe(list({ type: 'string', enum: target.classes })) }
  const sure: Json = model.calibration
    ? { ...region, disagreement: maybe(number), outOfDistribution: truth, caution: maybe(text) }
    : {}
  const doubt: Json = model.ensembles.doubt ? { suspects: list(text), suspicion: maybe(number) } : {}
  const level: Json = model.calibration ? { level: number } : {}
  return {
    Rows: object({ rows: { ...list(row), maxItems: limits.rows } }),
    Answer: object(
      { rule: { type: 'string', enum: card.rules }, ...level, rows: list(ref('RowAnswer')), notes: list(text) },
      Object.keys(level),
    ),
    RowAnswer: object(
      { id: maybe(text), ...said, students: list(student), missing: list(text), ...doubt, abstained: maybe(text), ...sure },
      Object.keys({ ...doubt, ...sure }),
    ),
    Card: cardSchema(card),
  }
}

/** A feature of a row. Another text than those known is taken as unknown. */
const cellOf = (column: ColumnPreparation): Json =>
  column.kind === 'number'
    ? { ...maybe(number), description: `In training ${usually(column)}` }
    : { ...maybe(text), description: `In training ${column.levels.map((level) => JSON.stringify(level)).join(', ')}` }

function cardSchema(card: Card): Json {
  const name = 'classes' in card ? 'classes' : 'outputs'
  const features = list({
    anyOf: [
      object(
        {
          kind: { const: 'number' },
          name: text,
          mean: number,
          scale: number,
          unskew: object({ centre: number, spread: number }),
        },
        ['unskew'],
      ),
      object({ kind: { const: 'category' }, name: text, levels: list(text) }),
    ],
  })
  return object({
    title: text,
    task: { const: card.task },
    [name]: list(text),
    modalities: list(object({ name: text, features })),
    rules: list(text),
    rule: text,
    doubt: { ...number, description: 'How likely it is, before looking, that one modality of a row is somebody else’s' },
    students: list(object({ name: text, validationLoss: maybe(number), teacher: truth, weight: number })),
    provenance: object({
      library: text,
      seed: number,
      numerics: { type: 'string', enum: ['exact', 'fast'] },
      data: text,
      rho: number,
      rows: object({ train: count, validation: count, test: count }),
      notes: list(text),
    }),
    limits: object({ bodyBytes: count, rows: count }),
    media: list(text),
    example: ref('Rows'),
  })
}

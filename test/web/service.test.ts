import { tableFromArrays, tableToIPC } from 'apache-arrow'
import { describe, expect, test } from 'vitest'
import type { Inputs } from '../../src/data/dataset.ts'
import { suspects, suspicion } from '../../src/fusion/doubt.ts'
import type { Model } from '../../src/fusion/model.ts'
import { createPredictor } from '../../src/fusion/predictor.ts'
import { readArrow } from '../../web/service/arrow.ts'
import { classifier, regressor } from '../formats/models.ts'
import { inferSession } from '../fusion/models.ts'
import { numbers } from '../kernels/harness.ts'
import { faults, resolved } from './schema.ts'
import { jsonOf, serviceOf } from './services.ts'

// Modalities "scan" of the numbers 0 to 4 and "visit" of "age", "größe" and the category "site" of b, c, é.
const { data, model } = classifier({ seed: 9 })
const values = regressor()
const service = serviceOf(model)
const { ask, predict, fetch } = service

const SCAN = { 0: 0.5, 1: -1, 2: 0.25, 3: 2, 4: 0 }
const VISIT = { age: 0.5, größe: -0.2, site: 'c' }

/** A subject of the data as a row of a request. */
function rowOf(inputs: Inputs, row: number) {
  const modalities = inputs.modalities.map(({ name, columns, present }) => {
    const cells = columns.map((column) => {
      if (column.kind === 'number') return [column.name, Number.isNaN(column.values[row]) ? null : column.values[row]]
      return [column.name, column.levels[column.codes[row]] ?? null]
    })
    return [name, present[row] ? Object.fromEntries(cells) : null]
  })
  return { id: inputs.ids[row], modalities: Object.fromEntries(modalities) }
}

const message = async (response: Response) => (await jsonOf(response)).error.message

describe('a prediction', () => {
  test('is what the predictor says of the same rows, under the names of the classes', async () => {
    const prediction = createPredictor(inferSession(), model).predict(data)
    const { status, answer } = await ask(data.ids.map((_, row) => rowOf(data, row)))
    expect(status).toBe(200)
    expect(answer.rule).toBe('greedy')
    expect(answer.rows.map((row: { id: string }) => row.id)).toEqual(data.ids)
    const { outputs, patternOf, patterns, labels } = prediction
    expect(answer.rows).toEqual(
      data.ids.map((id, row) => {
        const { students, missing } = patterns[patternOf[row]]
        const probabilities = Object.fromEntries(outputs.map((name, d) => [name, prediction.values[row * outputs.length + d]]))
        const mute = students.length === 0
        return {
          id,
          prediction: mute ? null : outputs[labels![row]],
          probabilities: mute ? null : probabilities,
          students,
          missing,
          abstained: mute ? 'no student of the model can do without "scan", "visit"' : null,
        }
      }),
    )
    expect(answer.rows.some((row: { missing: string[] }) => row.missing.length === 1)).toBe(true)
  })

  test('of a regression has values by output, in the units of the target', async () => {
    const prediction = createPredictor(inferSession(), values.model).predict(values.data)
    const { answer } = await serviceOf(values.model).ask(values.data.ids.map((_, row) => rowOf(values.data, row)))
    answer.rows.forEach((row: { values: object | null }, i: number) => {
      const [u, v] = prediction.values.subarray(2 * i, 2 * i + 2)
      expect(row.values).toEqual(Number.isNaN(u) ? null : { u, v })
    })
    expect(Object.keys(answer.rows[0])).toEqual(['id', 'values', 'students', 'missing', 'abstained'])
  })

  test('names what may be somebody else’s, of a model that doubts', async () => {
    // So likely a stranger that of some rows a modality is named.
    const doubt = { chance: 0.9, caution: 1, prior: Float32Array.of(0.3, 0.3, 0.4) }
    const doubting = { ...model, ensembles: { ...model.ensembles, doubt } }
    const prediction = createPredictor(inferSession(), doubting).predict(data)
    const other = serviceOf(doubting)
    const { answer } = await other.ask(data.ids.map((_, row) => rowOf(data, row)))
    const named = answer.rows.map((row: { suspects: string[] }) => row.suspects)
    expect(named).toEqual(data.ids.map((_, row) => suspects(prediction, row)))
    answer.rows.forEach(
      ({ suspicion: said, prediction: label }: { suspicion: number | null; prediction: string | null }, row: number) => {
        if (label === null) expect(said).toBeNull()
        else expect(said).toBeCloseTo(suspicion(prediction.doubts!, row), 12)
      },
    )
    expect(named.some((names: string[]) => names.length > 0)).toBe(true)
    expect(named.some((names: string[]) => names.length === 0)).toBe(true)
    const votes = await other.ask([{ modalities: { scan: SCAN } }], '/v1/predict?rule=majority-vote')
    expect(votes.answer.rows[0]).not.toHaveProperty('suspects')
    expect((await jsonOf(await other.fetch('/v1/model'))).doubt).toBe(0.9)
    expect((await jsonOf(await fetch('/v1/model'))).doubt).toBe(0)
  })

  test('is made by another rule where one is asked for', async () => {
    const rows = [{ modalities: { scan: SCAN } }]
    const { answer } = await ask(rows, '/v1/predict?rule=majority-vote')
    expect(answer.rule).toBe('majority-vote')
    const votes = Object.values<number>(answer.rows[0].probabilities)
    expect(votes.reduce((a, b) => a + b)).toBeCloseTo(1, 6)
    expect(answer.rows).not.toEqual((await ask(rows)).answer.rows)
  })

  test('does not depend on what else is asked, nor on the order of features', async () => {
    const rows = data.ids.map((_, row) => rowOf(data, row))
    const { answer } = await ask(rows)
    const turned = (cells: object | null) => cells && Object.fromEntries(Object.entries(cells).reverse())
    const alone = await ask([
      { ...rows[6], modalities: { visit: turned(rows[6].modalities.visit), scan: rows[6].modalities.scan } },
    ])
    expect(alone.answer.rows[0]).toEqual(answer.rows[6])
  })

  test.each([
    ['absent', {}],
    ['null', { scan: null, visit: null }],
    ['of no feature', { scan: {}, visit: {} }],
    ['of nothing but gaps', { scan: { 0: null }, visit: { site: null, age: null } }],
  ])('of modalities that are %s is not made, and says why', async (_, modalities) => {
    const { status, answer } = await ask([{ id: 'p', modalities }, {}])
    expect(status).toBe(200)
    const mute = { prediction: null, probabilities: null, students: [], missing: ['scan', 'visit'] }
    const abstained = 'no student of the model can do without "scan", "visit"'
    expect(answer.rows).toEqual([
      { id: 'p', ...mute, abstained },
      { id: null, ...mute, abstained },
    ])
  })

  test('takes a gap as the mean: absent or null are one', async () => {
    const [{ name }, ...others] = model.preparations[0].columns
    const cells = Object.fromEntries(others.map((column) => [column.name, 1]))
    const mean = model.preparations[0].columns.map((c) => (c.kind === 'number' ? c.mean : 0))[0]
    const { answer } = await ask([
      { modalities: { scan: cells } },
      { modalities: { scan: { ...cells, [name]: null } } },
      { modalities: { scan: { ...cells, [name]: mean } } },
    ])
    expect(answer.rows[1]).toEqual(answer.rows[0])
    expect(answer.rows[2]).toEqual(answer.rows[0])
  })

  test('takes a category that was never seen as unknown, and says so once', async () => {
    const { answer } = await ask([
      { modalities: { visit: { ...VISIT, site: 'elsewhere' } } },
      { modalities: { visit: { ...VISIT, site: null } } },
      { modalities: { visit: { ...VISIT, site: 'elsewhere' } } },
    ])
    expect(answer.rows[0]).toEqual(answer.rows[1])
    expect(answer.notes).toEqual([
      'feature "site" of "visit" is "elsewhere" somewhere, which the model has not seen and takes as unknown',
    ])
  })

  test('of no rows is no row', async () => {
    expect(await ask([])).toEqual({ status: 200, answer: { rule: 'greedy', rows: [], notes: [] } })
  })

  test('keeps ids of any script, and of any name', async () => {
    const ids = ['Ж-1', '患者', '👩🏽‍⚕️', '', ' ', '__proto__', 'constructor', '\ud800', 'a\u0000b']
    const { answer } = await ask(ids.map((id) => ({ id, modalities: { scan: SCAN } })))
    expect(answer.rows.map((row: { id: string }) => row.id)).toEqual(ids)
  })

  test('that would not be finite is not made', async () => {
    // Where weights meet numbers as large as these, a sum is infinite or none.
    const far = Object.fromEntries(Object.keys(SCAN).map((name) => [name, 1e38]))
    const { status, answer } = await ask([{ modalities: { scan: far } }, { modalities: { scan: SCAN } }])
    expect(status).toBe(200)
    for (const row of answer.rows) {
      expect(row.prediction === null).toBe(row.abstained !== null)
      for (const value of Object.values(row.probabilities ?? {})) expect(value).toEqual(expect.any(Number))
    }
    expect(answer.rows[1].abstained).toBeNull()
  })
})

describe('what cannot be predicted is refused with 422, naming the row and feature:', () => {
  const good = { modalities: { scan: SCAN } }
  test.each<[string, unknown[], string, object]>([
    [
      'a feature that the model does not use',
      [good, { id: 'p2', modalities: { scan: { 7: 1 } } }],
      'row 1 ("p2"): the model uses no feature "7" of "scan", it uses "0", "1", "2", "3", "4"',
      { row: 1, modality: 'scan', feature: '7' },
    ],
    [
      'a modality that it does not have',
      [{ modalities: { pet: {} } }],
      'row 0: the model has no modality "pet", it has "scan", "visit"',
      { row: 0, modality: 'pet' },
    ],
    [
      'a text among numbers',
      [good, good, { modalities: { visit: { age: '71' } } }],
      'row 2: feature "age" of "visit" is "71", the model was trained on numbers here: give a number, or null if it is unknown',
      { row: 2, modality: 'visit', feature: 'age' },
    ],
    [
      'a number among categories',
      [{ id: 'ß', modalities: { visit: { site: 1 } } }],
      'row 0 ("ß"): feature "site" of "visit" is 1, the model was trained on categories here: give a text, or null if it is unknown',
      { row: 0, modality: 'visit', feature: 'site' },
    ],
    [
      'a feature that is a list',
      [{ modalities: { visit: { age: [71] } } }],
      'row 0: feature "age" of "visit" is a list, the model was trained on numbers here: give a number, or null if it is unknown',
      { row: 0, modality: 'visit', feature: 'age' },
    ],
    ['an id that is a number', [{ id: 17 }], 'row 0: the id is 17: give a text, or none', { row: 0 }],
    ['an id twice', [{ id: 'a' }, { id: 'b' }, { id: 'a' }], 'rows 0 and 2 both have the id "a": give each its own', { row: 2 }],
    ['a row that is none', [good, 5], 'row 1 is 5: give an object', { row: 1 }],
    ['a row with another field', [{ modality: {} }], 'row 0 has "modality", where there are only "id", "modalities"', { row: 0 }],
    ['modalities that are a list', [{ modalities: [] }], 'row 0: "modalities" is a list: give an object', { row: 0 }],
    [
      'a modality that is a number',
      [{ modalities: { scan: 2 } }],
      'row 0: modality "scan" is 2: give an object',
      { row: 0, modality: 'scan' },
    ],
  ])('%s', async (_, rows, sentence, place) => {
    const { status, answer } = await ask(rows)
    expect(status).toBe(422)
    expect(answer).toEqual({ error: { name: 'DataError', message: sentence, ...place }, requestId: expect.any(String) })
  })

  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])('a feature, modality or field named %s', async (name) => {
    const bodies = [
      `{"rows":[{"modalities":{"scan":{"${name}":1}}}]}`,
      `{"rows":[{"modalities":{"${name}":{"0":1}}}]}`,
      `{"rows":[{"${name}":{"modalities":{}}}]}`,
      `{"${name}":[],"rows":[]}`,
    ]
    for (const body of bodies) {
      const response = await predict(body)
      expect(response.status).toBe(422)
      expect(await message(response)).toContain(`"${name}"`)
    }
  })

  test.each(['1e999', '-1e999', '1e308'])('the number %s', async (number) => {
    const response = await predict(`{"rows":[{"modalities":{"visit":{"age":${number}}}}]}`)
    expect(response.status).toBe(422)
    expect((await jsonOf(response)).error).toMatchObject({ row: 0, modality: 'visit', feature: 'age' })
  })

  test.each([
    ['null', 'the body is null: give an object'],
    ['[]', 'the body is a list: give an object'],
    ['{}', '"rows" is undefined: give a list of rows'],
    ['{"rows":{}}', '"rows" is an object: give a list of rows'],
    ['{"rows":[],"row":1}', 'the body has "row", where there are only "rows"'],
  ])('the body %s', async (body, sentence) => {
    const response = await predict(body)
    expect([response.status, await message(response)]).toEqual([422, sentence])
  })

  test('a rule that the model lacks', async () => {
    const { status, answer } = await ask([], '/v1/predict?rule=stacking')
    expect([status, answer.error.name]).toEqual([422, 'ConfigError'])
    expect(answer.error.message).toMatch(/^the model does not have the rule asked for: it has greedy, /)
  })
})

describe('a body of CSV', () => {
  const same = async (csv: string, rows: unknown[]) => {
    const response = await predict(csv, 'text/csv; charset=utf-8')
    expect(response.status).toBe(200)
    expect(await jsonOf(response)).toEqual((await ask(rows)).answer)
  }

  test('is a table whose columns are named modality.feature', () =>
    same('\ufeffid,visit.site,scan.0,visit.größe\r\np1,c,1.5,2\r\n"p,2",,,-1e-1\r\np3,NA,NA,\r\n', [
      { id: 'p1', modalities: { visit: { site: 'c', größe: 2 }, scan: { 0: 1.5 } } },
      { id: 'p,2', modalities: { visit: { größe: -0.1 } } },
      { id: 'p3' },
    ]))

  test('needs no ids, and no rows', async () => {
    await same('scan.0\n1\n2\n', [{ modalities: { scan: { 0: 1 } } }, { modalities: { scan: { 0: 2 } } }])
    await same('scan.0\n', [])
  })

  test.each([
    [400, '', 'the body is empty: send a header and one line per row'],
    [400, 'id,scan.0\na\n', 'row 0 has 1 cells, the header has 2: give every row as many'],
    [400, 'id,scan.0\na,"1\n', 'the body is no CSV, in row 0: Quoted field unterminated'],
    [422, 'id,id\na,b\n', 'two columns are named "id": rename one'],
    [422, 'scan.9\n1\n', /^the model knows no column "scan.9", it knows "id", "scan.0", /],
    [422, 'id,visit.age\np,old\n', /^row 0 \("p"\): feature "age" of "visit" is "old", the model was trained on numbers/],
    [422, 'visit.age\n1\nNaN\n', /^row 1: feature "age" of "visit" is "NaN", /],
    [422, 'visit.age\n1e999\n', /^row 0: feature "age" of "visit" is Infinity, in training it was /],
    [422, 'id\na\na\n', 'rows 0 and 1 both have the id "a": give each its own'],
  ])('is refused with %i: %j', async (status, csv, sentence) => {
    const response = await predict(csv, 'text/csv')
    expect(response.status).toBe(status)
    expect(await message(response)).toEqual(typeof sentence === 'string' ? sentence : expect.stringMatching(sentence))
  })
})

describe('a body of Arrow', () => {
  const STREAM = 'application/vnd.apache.arrow.stream'
  const FILE = 'application/vnd.apache.arrow.file'
  const arrow = serviceOf(model, { arrow: readArrow })
  const table = tableFromArrays({
    id: ['a', 'b'],
    'scan.0': Float64Array.of(1.5, Number.NaN),
    'visit.age': BigInt64Array.of(2n, 3n),
    'visit.site': ['c', null],
  })
  const bytes = (format: 'stream' | 'file') => new Uint8Array(tableToIPC(table, format))

  test.each([
    ['stream', STREAM],
    ['file', FILE],
  ] as const)('is a %s, null and NaN gaps', async (format, type) => {
    const response = await arrow.predict(bytes(format), type)
    expect(response.status).toBe(200)
    expect(await jsonOf(response)).toEqual(
      (
        await ask([
          { id: 'a', modalities: { scan: { 0: 1.5 }, visit: { age: 2, site: 'c' } } },
          { id: 'b', modalities: { visit: { age: 3 } } },
        ])
      ).answer,
    )
  })

  test('is refused where the service has no reader of it', async () => {
    const response = await predict(bytes('stream'), STREAM)
    expect([response.status, response.headers.get('accept')]).toEqual([415, 'application/json, text/csv'])
  })

  test('is refused with 413 when it has too many rows', async () => {
    const small = serviceOf(model, { arrow: readArrow, limits: { rows: 1 } })
    expect((await small.predict(bytes('stream'), STREAM)).status).toBe(413)
  })

  test('that is cut off anywhere is refused', async () => {
    const whole = bytes('file')
    for (let length = 0; length < whole.length - 10; length += 7) {
      const { status } = await arrow.predict(whole.slice(0, length), FILE)
      expect([status, length]).toEqual([status === 422 ? 422 : 400, length])
    }
  })
})

describe('limits', () => {
  const small = serviceOf(model, { limits: { bodyBytes: 60, rows: 2 } })

  test('take as many rows as they say, and not one more', async () => {
    expect((await small.ask([{}, {}])).status).toBe(200)
    const { status, answer } = await small.ask([{}, {}, {}])
    expect([status, answer.error.name]).toEqual([413, 'LimitError'])
    expect((await small.predict('id\na\nb\n', 'text/csv')).status).toBe(200)
    expect((await small.predict('id\na\nb\nc\n', 'text/csv')).status).toBe(413)
  })

  test('are 1 MiB and 1024 rows', async () => {
    const rows = (n: number) => Array.from({ length: n }, () => ({}))
    expect((await ask(rows(1024))).status).toBe(200)
    expect((await ask(rows(1025))).status).toBe(413)
    const padded = (bytes: number) => `${' '.repeat(bytes - 11)}{"rows":[]}`
    expect((await predict(padded(2 ** 20))).status).toBe(200)
    expect((await predict(padded(2 ** 20 + 1))).status).toBe(413)
  })

  /** A body that comes in pieces, and how many were taken. */
  function pieces(headers: Record<string, string> = {}) {
    const taken = { pieces: 0, cancelled: false }
    const body = new ReadableStream({
      pull(controller) {
        taken.pieces++
        controller.enqueue(new TextEncoder().encode(' '.repeat(40)))
      },
      cancel() {
        taken.cancelled = true
      },
    })
    const request = { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers }, duplex: 'half' as const }
    return { request, taken }
  }

  test('end an endless body where it is too long', async () => {
    const { request, taken } = pieces()
    expect((await small.fetch('/v1/predict', request)).status).toBe(413)
    expect(taken.cancelled).toBe(true)
    expect(taken.pieces).toBeLessThanOrEqual(4)
  })

  test.each(['61', '1e9', '-', 'NaN'])('leave a body unread that says its length is %s', async (length) => {
    const { request, taken } = pieces({ 'content-length': length })
    expect((await small.fetch('/v1/predict', request)).status).toBe(413)
    // A stream fills its own queue before it is read.
    expect(taken.pieces).toBeLessThanOrEqual(1)
  })
})

describe('a request that is no good HTTP', () => {
  test.each(['', '{', '{"rows":[NaN]}', "{'rows':[]}", '[1,]', '\u0000'])('is refused with 400: %j', async (body) => {
    const response = await predict(body)
    expect(response.status).toBe(400)
    expect((await jsonOf(response)).error.name).toBe('FormatError')
  })

  test('is refused with 400 in another encoding than UTF-8', async () => {
    expect((await predict(Uint8Array.of(0x7b, 0xff, 0x7d))).status).toBe(400)
  })

  test.each([
    { 'content-type': 'text/plain' },
    { 'content-type': '' },
    { 'content-type': 'application/json; charset=latin1' },
    { 'content-type': 'application/json', 'content-encoding': 'gzip' },
  ])('is refused with 415: %j', async (headers) => {
    const response = await fetch('/v1/predict', {
      method: 'POST',
      body: '{"rows":[]}',
      headers: headers as Record<string, string>,
    })
    expect([response.status, response.headers.get('accept')]).toEqual([415, 'application/json, text/csv'])
  })

  test.each(['Application/JSON', 'application/json;charset=UTF-8', 'application/json; charset="utf-8"'])(
    'is none with %s',
    async (type) => {
      expect((await predict('{"rows":[]}', type)).status).toBe(200)
    },
  )

  test.each([
    ['DELETE', '/v1/predict', 'POST, OPTIONS'],
    ['GET', '/v1/predict', 'POST, OPTIONS'],
    ['HEAD', '/v1/predict', 'POST, OPTIONS'],
    ['POST', '/v1/model', 'GET, HEAD, OPTIONS'],
    ['PUT', '/', 'GET, HEAD, OPTIONS'],
    ['PATCH', '/healthz', 'GET, HEAD, OPTIONS'],
  ])('is refused with 405: %s %s', async (method, path, allow) => {
    const response = await fetch(path, { method })
    expect([response.status, response.headers.get('allow')]).toEqual([405, allow])
  })

  test('is refused with 404 where nothing is', async () => {
    for (const path of ['/v1', '/v1/predict/', '//', '/v1/predict%2f', '/%ff']) expect((await fetch(path)).status).toBe(404)
  })
})

describe('every answer', () => {
  const paths = ['/', '/healthz', '/openapi.json', '/v1/model', '/nowhere']

  test('may not be kept or guessed at, and has an id', async () => {
    for (const path of paths) {
      const { headers } = await fetch(path)
      expect(headers.get('cache-control')).toBe('no-store')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('x-request-id')).toMatch(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/)
    }
  })

  test('has the id of its request, if that is one that can be logged', async () => {
    const idOf = async (id: string) => (await fetch('/nowhere', { headers: { 'x-request-id': id } })).headers.get('x-request-id')
    expect(await idOf('Trace_1.a-b')).toBe('Trace_1.a-b')
    for (const id of ['', 'a b', 'a"b', '<script>', 'x'.repeat(65), 'é']) expect(await idOf(id)).toMatch(/^[\da-f-]{36}$/)
  })

  test('to HEAD is that to GET without a body', async () => {
    for (const path of paths) {
      const [head, get] = [await fetch(path, { method: 'HEAD' }), await fetch(path)]
      expect([head.status, head.headers.get('content-type')]).toEqual([get.status, get.headers.get('content-type')])
      expect(await head.text()).toBe('')
    }
  })

  test('to OPTIONS says what may be asked', async () => {
    const response = await fetch('/v1/predict', { method: 'OPTIONS' })
    expect([response.status, response.headers.get('allow')]).toEqual([204, 'POST, OPTIONS'])
  })
})

describe('a failure of the service', () => {
  const broken = serviceOf(model, {
    predictor: () => ({
      predict() {
        throw new TypeError('secret 71 years')
      },
    }),
  })

  test('is 500, and neither the answer nor the log tells what was sent', async () => {
    const { status, answer } = await broken.ask([{ modalities: { visit: { age: 71 } } }])
    expect(status).toBe(500)
    expect(answer.error).toEqual({
      name: 'ServerError',
      message: 'the service failed at this request: tell its operator the request id',
    })
    const [facts] = broken.logged
    expect(facts).toMatchObject({ id: answer.requestId, status: 500, error: 'TypeError' })
    expect(facts.stack).toMatch(/^ {4}at .*service\.test/)
    expect(JSON.stringify(facts)).not.toContain('secret')
  })

  test('for want of memory is 503', async () => {
    const full = serviceOf(model, {
      predictor: () => ({
        predict() {
          throw Object.assign(new Error('96 MiB are not enough'), { name: 'MemoryError' })
        },
      }),
    })
    expect((await full.ask([])).status).toBe(503)
  })
})

describe('the log', () => {
  test('has plain facts of every request, and none of what was sent', async () => {
    let time = 100
    const { ask, fetch, predict, logged } = serviceOf(model, { now: () => (time += 5) })
    await ask([{ id: 'patient-1', modalities: { visit: { age: 71.25 } } }, {}], '/v1/predict?rule=greedy&who=patient-1')
    await ask([{ id: 'patient-1', modalities: { visit: { age: 'patient-1' } } }])
    await fetch('/patient-1')
    await predict('patient-1')
    await fetch('/v1/model', { method: 'DELETE' })
    const id = expect.any(String)
    expect(logged).toEqual([
      { id, method: 'POST', path: '/v1/predict', status: 200, ms: 5, rows: 2 },
      { id, method: 'POST', path: '/v1/predict', status: 422, ms: 5, rows: 0, error: 'DataError' },
      { id, method: 'GET', path: 'unknown', status: 404, ms: 5, rows: 0, error: 'NotFoundError' },
      { id, method: 'POST', path: '/v1/predict', status: 400, ms: 5, rows: 0, error: 'FormatError' },
      { id, method: 'DELETE', path: '/v1/model', status: 405, ms: 5, rows: 0, error: 'MethodError' },
    ])
    expect(JSON.stringify(logged)).not.toMatch(/patient|71\.25/)
  })
})

describe('a token', () => {
  const guarded = serviceOf(model, { token: 's3cret-Token' })
  const get = (path: string, authorization?: string) =>
    guarded.fetch(path, authorization === undefined ? {} : { headers: { authorization } })

  test('opens the service to those who have it', async () => {
    for (const authorization of ['Bearer s3cret-Token', 'bearer  s3cret-Token'])
      expect((await get('/v1/model', authorization)).status).toBe(200)
  })

  test.each([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Bearer s3cret-Toke',
    'Bearer s3cret-Token2',
    'Basic s3cret-Token',
    's3cret-Token',
  ])('keeps others out: %j', async (authorization) => {
    for (const path of ['/v1/model', '/openapi.json', '/nowhere', '/v1/predict']) {
      const response = await get(path, authorization)
      expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="metafusion"'])
      expect((await jsonOf(response)).error.name).toBe('TokenError')
    }
  })

  test('is not needed for the page, which then says nothing of the model, nor for health', async () => {
    expect((await get('/healthz')).status).toBe(200)
    const page = await (await get('/')).text()
    expect(page).toContain('id="token"')
    expect(page).not.toMatch(/scan|visit|perhaps|A study/)
  })

  test.each(['', 'two words', 'é', 'a\n'])('that no header can carry is refused: %j', (token) => {
    expect(() => serviceOf(model, { token })).toThrow(/^the token is empty or has characters that no header can carry/)
  })
})

describe('a page elsewhere', () => {
  const mine = 'https://clinic.example'
  const shared = serviceOf(model, { origins: [mine], token: 'secret' })
  const preflight = (origin: string) =>
    shared.fetch('/v1/predict', { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } })

  test('may ask if its origin is on the list', async () => {
    const response = await preflight(mine)
    expect(response.status).toBe(204)
    expect(response.headers.get('access-control-allow-origin')).toBe(mine)
    expect(response.headers.get('access-control-allow-headers')).toContain('authorization')
    expect(response.headers.get('vary')).toBe('Origin')
  })

  test('is told of errors, too', async () => {
    const response = await shared.fetch('/v1/model', { headers: { origin: mine } })
    expect(response.status).toBe(401)
    expect(response.headers.get('access-control-allow-origin')).toBe(mine)
    expect(response.headers.get('access-control-expose-headers')).toBe('x-request-id')
  })

  test.each(['https://clinic.example.evil', 'http://clinic.example', 'null'])('may not ask from %s', async (origin) => {
    const response = await preflight(origin)
    expect(response.headers.get('access-control-allow-origin')).toBeNull()
    expect(response.headers.get('vary')).toBe('Origin')
  })

  test('may never ask where there is no list', async () => {
    const { headers } = await fetch('/v1/model', { headers: { origin: mine } })
    expect([headers.get('access-control-allow-origin'), headers.get('vary')]).toEqual([null, null])
  })

  test.each(['*', 'clinic.example', 'https://clinic.example/', 'https://clinic.example/app'])(
    'has no such origin as %s',
    (origin) => {
      expect(() => serviceOf(model, { origins: [origin] })).toThrow(/is none: give a scheme, a host and maybe a port/)
    },
  )
})

describe('the document', () => {
  const document = async (service: ReturnType<typeof serviceOf>) => jsonOf(await service.fetch('/openapi.json'))
  const schemaOf = (doc: { paths: Record<string, Record<string, Record<string, object>>> }, path: string, status: number) => {
    const [operation] = Object.values(doc.paths[path])
    const { content } = (operation.responses as Record<number, { content: Record<string, { schema: object }> }>)[status]
    return content['application/json'].schema as Record<string, unknown>
  }

  test('refers only to what it holds', async () => {
    const doc = await document(service)
    const references = [...JSON.stringify(doc).matchAll(/"\$ref":"([^"]+)"/g)].map((match) => match[1])
    expect(references.length).toBeGreaterThan(10)
    for (const reference of references) expect(resolved(doc, reference)).toEqual(expect.any(Object))
    expect(doc.openapi).toBe('3.1.0')
  })

  test('names every path but the page and itself, and only those', async () => {
    const doc = await document(service)
    expect(Object.keys(doc.paths)).toEqual(['/v1/predict', '/v1/model', '/healthz'])
    for (const [path, operations] of Object.entries<object>(doc.paths)) {
      const [method] = Object.keys(operations)
      expect((await fetch(path, { method: method.toUpperCase() })).status).not.toBe(405)
    }
  })

  test.each<[string, Model]>([
    ['classification', model],
    ['regression', values.model],
  ])('says what is answered: %s', async (_, mine) => {
    const guarded = serviceOf(mine, { token: 'secret' })
    const service = serviceOf(mine)
    const doc = await document(service)
    const check = async (path: string, response: Response) => {
      const found = faults(doc, schemaOf(doc, path, response.status), await jsonOf(response))
      expect(found).toEqual([])
      return response.status
    }
    const { example } = await jsonOf(await service.fetch('/v1/model'))
    expect(faults(doc, resolved(doc, '#/components/schemas/Rows'), example)).toEqual([])
    expect(await check('/v1/predict', await service.predict(JSON.stringify(example)))).toBe(200)
    const rows = [...data.ids.map((_, row) => rowOf(data, row)), {}]
    expect(await check('/v1/predict', await service.predict(JSON.stringify({ rows })))).toBe(200)
    expect(await check('/v1/predict', await service.predict('{"rows":[{"modalities":{"scan":{"0":"x"}}}]}'))).toBe(422)
    expect(await check('/v1/predict', await service.predict('{'))).toBe(400)
    expect(await check('/v1/predict', await service.predict('', 'text/plain'))).toBe(415)
    expect(await check('/v1/model', await service.fetch('/v1/model'))).toBe(200)
    expect(await check('/healthz', await service.fetch('/healthz'))).toBe(200)
    const secured = await jsonOf(await guarded.fetch('/openapi.json', { headers: { authorization: 'Bearer secret' } }))
    expect(secured.components.securitySchemes).toEqual({ token: { type: 'http', scheme: 'bearer' } })
    const refused = await guarded.fetch('/v1/model')
    expect(faults(secured, schemaOf(secured, '/v1/model', 401), await jsonOf(refused))).toEqual([])
  })

  test('describes a skewed feature by its middle', async () => {
    const unskew = { centre: 1234.5, spread: 0.5 }
    const [scan, ...others] = model.preparations
    const columns = scan.columns.map((c, i) => (i === 0 && c.kind === 'number' ? { ...c, mean: 0.1, scale: 2, unskew } : c))
    const skewed = serviceOf({ ...model, preparations: [{ ...scan, columns }, ...others] })
    const doc = await document(skewed)
    const card = await jsonOf(await skewed.fetch('/v1/model'))
    expect(faults(doc, schemaOf(doc, '/v1/model', 200), card)).toEqual([])
    expect(card.modalities[0].features[0]).toEqual({ kind: 'number', name: '0', mean: 0.1, scale: 2, unskew })
    expect(card.example.rows[0].modalities.scan[0]).toBe(1230)
    expect(JSON.stringify(doc)).toContain('"In training 1234.5 ± 0.5"')
    const { status, answer } = await skewed.ask([{ modalities: { scan: { 0: -1e308 } } }])
    expect([status, answer.error.message]).toEqual([
      422,
      'row 0: feature "0" of "scan" is -1e+308, in training it was 1234.5 ± 0.5: correct it',
    ])
  })

  test('says what is refused: rows that its schema does not allow', async () => {
    const doc = await document(service)
    const rows = resolved(doc, '#/components/schemas/Rows')
    for (const bad of [{}, { rows: [{ modalities: { scan: { 7: 1 } } }] }, { rows: [{ modalities: { visit: { age: 'x' } } }] }]) {
      expect(faults(doc, rows, bad)).not.toEqual([])
      expect((await predict(JSON.stringify(bad))).status).toBe(422)
    }
  })
})

describe('the page', () => {
  test('has no markup but its own, whatever the model is called', async () => {
    const evil = '<img src=x onerror="alert(1)">\'&</script>'
    const renamed: Model = {
      ...model,
      target: { task: 'classification', classes: [evil, 'b', 'c'] },
      preparations: model.preparations.map((p) => ({ ...p, modality: evil + p.modality })),
      provenance: { ...model.provenance, title: evil },
    }
    const page = await (await serviceOf(renamed).fetch('/')).text()
    expect(page).not.toMatch(/<img|onerror="/)
    expect(page.match(/<\/script>/g)).toHaveLength(1)
    expect(page).toContain('&#60;img src=x onerror=&#34;alert(1)&#34;&#62;&#39;&#38;&#60;/script&#62;')
  })

  test('runs nothing but its own script, and a new nonce says which', async () => {
    const responses = [await fetch('/'), await fetch('/')]
    const nonces = responses.map(({ headers }) => {
      const policy = headers.get('content-security-policy') ?? ''
      expect(policy).toMatch(/^default-src 'none'; /)
      expect(policy).not.toMatch(/unsafe|\*|https?:/)
      return /script-src 'nonce-([\w-]+)'/.exec(policy)?.[1]
    })
    expect(nonces[0]).not.toBe(nonces[1])
    const page = await responses[0].text()
    expect(page).toContain(`<script nonce="${nonces[0]}">`)
    expect(page).not.toMatch(/(?:src|href)="(?:https?:)?\/\//)
  })
})

test('whatever JSON is sent, the service does not fail', async () => {
  const random = numbers(41)
  const words = ['rows', 'id', 'modalities', 'scan', 'visit', 'age', 'site', '0', '__proto__', 'constructor', 'length', '']
  const draw = (below: number) => random.i32(1, below)[0]
  const leaves = [null, true, false, 0, -0, 1e308, -1e308, 1e-320, 5, 'c', '', 'NaN', '\ud800', 'x'.repeat(300)]
  const any = (depth: number): unknown => {
    const kind = depth > 5 ? 0 : draw(4)
    if (kind < 2) return leaves[draw(leaves.length)]
    if (kind === 2) return Array.from({ length: draw(4) }, () => any(depth + 1))
    return Object.fromEntries(Array.from({ length: draw(5) }, () => [words[draw(words.length)], any(depth + 1)]))
  }
  const shapes = [
    () => any(0),
    () => ({ rows: any(1) }),
    () => ({ rows: [any(2), any(2)] }),
    () => ({ rows: [{ modalities: any(3) }] }),
    () => ({ rows: [{ id: any(4), modalities: { scan: any(4), visit: any(4) } }] }),
    () => ({ rows: [{ modalities: { scan: { 0: any(5), 1: any(5) }, visit: { site: any(5), age: any(5) } } }] }),
  ]
  const seen = new Map<number, number>()
  for (let turn = 0; turn < 1000; turn++) {
    const body = JSON.stringify(shapes[turn % shapes.length]())
    const { status } = await predict(body)
    seen.set(status, (seen.get(status) ?? 0) + 1)
    expect([200, 422], body).toContain(status)
  }
  expect(seen.get(200)).toBeGreaterThan(10)
  const deep = '['.repeat(2e5) + ']'.repeat(2e5)
  for (const body of [deep, `{"rows":${deep}}`, `{"rows":[{"id":${deep}}]}`, `{"rows":[{"modalities":{"scan":{"0":${deep}}}}]}`])
    expect((await predict(body)).status).toBe(422)
})

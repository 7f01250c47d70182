import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { writeModel } from '../../src/formats/model-file.ts'
import { classifier } from '../formats/models.ts'
import { type Finished, finished, metafusion, start } from './command.ts'
import { folderOf } from './folder.ts'

let root = ''
beforeAll(() => {
  const { model } = classifier()
  root = folderOf({ 'model.safetensors': writeModel(model), 'token.txt': 'secret\n', 'empty.txt': '\n' })
})

const running: ChildProcess[] = []
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL')
})

/** A service of its own, where it answers, and how it ends. */
async function serving(...options: string[]): Promise<{ url: string; child: ChildProcess; end: Promise<Finished> }> {
  const child = start(root, 'serve', 'model.safetensors', '--port', '0', ...options)
  running.push(child)
  const end = finished(child)
  const [line] = await once(child.stdout!, 'data')
  return { url: /http:\S+/.exec(line)![0], child, end }
}

const ROWS = JSON.stringify({ rows: [{ id: 'patient-1', modalities: { visit: { age: 1 } } }, {}] })
const predict = (url: string, headers = {}) =>
  fetch(`${url}/v1/predict`, { method: 'POST', body: ROWS, headers: { 'content-type': 'application/json', ...headers } })

describe('serve', () => {
  test('answers, counts and logs, one line of JSON per request, without what was sent', async () => {
    const { url, child, end } = await serving()
    expect((await predict(url, { 'x-request-id': 'mine' })).status).toBe(200)
    expect((await fetch(`${url}/patient-1`)).status).toBe(404)
    const metrics = await (await fetch(`${url}/metrics`)).text()
    expect(metrics).toContain('metafusion_requests_total{method="POST",path="/v1/predict",status="200"} 1')
    expect(metrics).toContain('metafusion_requests_total{method="GET",path="unknown",status="404"} 1')
    expect(metrics).toContain('metafusion_request_duration_seconds_count{path="/v1/predict"} 1')
    expect(metrics).toContain('metafusion_rows_total 2')
    expect(metrics).toContain('metafusion_requests_in_flight 1')
    expect(metrics).toMatch(/^process_cpu_seconds_total /m)
    child.kill('SIGINT')
    const { code, stdout, stderr } = await end
    expect([code, stdout]).toEqual([0, `model.safetensors at ${url}\n`])
    const lines = stderr.trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { id: 'mine', method: 'POST', path: '/v1/predict', status: 200, rows: 2 },
      { path: 'unknown', status: 404, error: 'NotFoundError' },
      { path: '/metrics', status: 200 },
    ])
    expect(stderr).not.toContain('patient')
  })

  test('finishes a request in flight after SIGTERM, takes no other, and exits with 0', async () => {
    const { url, child, end } = await serving()
    const { port } = new URL(url)
    const idle = await fetch(`${url}/healthz`)
    await idle.text()
    const socket = connect(Number(port), '127.0.0.1')
    let answer = ''
    socket.setEncoding('utf8').on('data', (text) => {
      answer += text
    })
    const head = `POST /v1/predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${ROWS.length}\r\nexpect: 100-continue\r\n\r\n`
    socket.write(head + ROWS.slice(0, 10))
    await once(socket, 'data') // 100: the service has the request and waits for the rest of it
    child.kill('SIGTERM')
    await expect
      .poll(() =>
        fetch(`${url}/healthz`).then(
          () => 'taken',
          () => 'refused',
        ),
      )
      .toBe('refused')
    socket.write(ROWS.slice(10))
    await once(socket, 'close')
    expect(answer).toMatch(/HTTP\/1\.1 200 OK\r\n/)
    expect(answer.toLowerCase()).toContain('connection: close')
    expect(answer).toContain('"id":"patient-1"')
    expect((await end).code).toBe(0)
  })

  test('ends at once when it is asked twice', async () => {
    const { url, child, end } = await serving()
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    socket.on('error', () => {})
    socket.write(
      'POST /v1/predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\nexpect: 100-continue\r\n\r\n',
    )
    await once(socket, 'data')
    child.kill('SIGTERM')
    await expect
      .poll(() =>
        fetch(`${url}/healthz`).then(
          () => 'taken',
          () => 'refused',
        ),
      )
      .toBe('refused')
    child.kill('SIGTERM')
    expect((await end).code).toBe(130)
  })

  test('asks for the token of a file, for metrics, too', async () => {
    const { url } = await serving('--token-file', 'token.txt', '--origins', 'https://a.example, https://b.example')
    expect((await predict(url)).status).toBe(401)
    expect((await fetch(`${url}/metrics`)).status).toBe(401)
    const mine = await predict(url, { authorization: 'Bearer secret', origin: 'https://b.example' })
    expect([mine.status, mine.headers.get('access-control-allow-origin')]).toEqual([200, 'https://b.example'])
  })

  test('takes no Arrow unless it is told to', async () => {
    const type = 'application/vnd.apache.arrow.stream'
    const ask = async (url: string) =>
      (await fetch(`${url}/v1/predict`, { method: 'POST', body: 'x', headers: { 'content-type': type } })).status
    expect(await ask((await serving()).url)).toBe(415)
    expect(await ask((await serving('--arrow')).url)).toBe(400)
  })
})

describe('serve refuses, in one sentence,', () => {
  const refused = (...words: string[]) => metafusion(root, 'serve', ...words)

  test('a port that is taken', async () => {
    const other: Server = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const { code, stderr } = await refused('model.safetensors', '--port', String(port))
    other.close()
    expect(stderr).toBe(
      `metafusion: port ${port} of 127.0.0.1 cannot be served: something else listens there, give another --port\n`,
    )
    expect(code).toBe(1)
  })

  test.each([
    [1, ['none.safetensors'], /^metafusion: "none.safetensors" cannot be read: there is no such file\n$/],
    [1, ['token.txt'], /^metafusion: token.txt: .+\n$/],
    [1, ['model.safetensors', '--token-file', 'none.txt'], /^metafusion: "none.txt" cannot be read: there is no such file\n$/],
    [2, ['model.safetensors', '--token-file', 'empty.txt'], /^metafusion: empty.txt holds no token: /],
    [2, ['model.safetensors', '--port', '99999'], /^metafusion: --port is "99999": give a whole number from 0 to 65535\n$/],
    [2, ['model.safetensors', '--origins', '*'], /^metafusion: the origin "\*" is none: /],
    [2, ['model.safetensors', '--numerics', 'wild'], /^metafusion: numerics is "wild": /],
  ])('with %i: %j', async (code, words, sentence) => {
    const result = await refused(...words)
    expect(result.stderr).toMatch(sentence)
    expect([result.code, result.stdout]).toEqual([code, ''])
  })
})

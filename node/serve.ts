// The prediction service as a process: metrics, and an end that no request notices.

import type { Server } from 'node:http'
import { isIP } from 'node:net'
import { DataError } from '../src/core/errors.ts'
import { readArrow } from '../web/service/arrow.ts'
import { createService, type Facts, type ServiceOptions } from '../web/service.ts'

export interface ServeOptions extends Omit<ServiceOptions, 'arrow'> {
  /** Takes Arrow, too; only for those who ask that are trusted. */
  readonly arrow?: boolean
  readonly host: string
  /** 0 for any that is free. */
  readonly port: number
  /** Milliseconds that requests in flight are given when the service stops; 10 seconds when left out. */
  readonly patience?: number
}

export interface Serving {
  readonly url: string
  /** Takes no more requests, finishes those in flight and resolves then; cuts those off that outlast the patience. */
  stop(): Promise<void>
}

/** Serves a model until it is stopped; what it counts is at /metrics. @throws DataError when the port is not to be had */
export async function serve({ host, port, arrow = false, patience = 10_000, ...options }: ServeOptions): Promise<Serving> {
  const { createAdaptorServer } = await import('@hono/node-server')
  const metrics = await metricsOf()
  const log = (facts: Facts) => {
    metrics.count(facts)
    options.log?.(facts)
  }
  const service = createService({ ...options, log, arrow: arrow ? readArrow : undefined })
  service.get('/metrics', async (c) => c.text(await metrics.text(), 200, { 'content-type': metrics.contentType }))

  let stopping = false
  const fetch = async (request: Request) => {
    metrics.inFlight.inc()
    try {
      const response = await service.fetch(request)
      // Connections are kept for more requests, but not now.
      if (stopping) response.headers.set('connection', 'close')
      return response
    } finally {
      metrics.inFlight.dec()
    }
  }
  // Who sends slowly is cut off in a minute.
  const serverOptions = { requestTimeout: 60_000, headersTimeout: 20_000, connectionsCheckingInterval: 5_000 }
  const server = createAdaptorServer({ fetch, serverOptions }) as Server
  await listening(server, host, port)
  const address = server.address() as { port: number }
  return {
    url: `http://${isIP(host) === 6 ? `[${host}]` : host}:${address.port}`,
    stop() {
      stopping = true
      return new Promise((resolve) => {
        const cut = setTimeout(() => server.closeAllConnections(), patience)
        server.close(() => {
          clearTimeout(cut)
          resolve()
        })
      })
    },
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'something else listens there, give another --port',
  EACCES: 'permission is denied, give a --port from 1024 on',
  EADDRNOTAVAIL: 'this machine does not have that address, give another --host',
  ENOTFOUND: 'there is no such host, give another --host',
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', ({ code = '', message }: NodeJS.ErrnoException) => {
      reject(new DataError(`port ${port} of ${host} cannot be served: ${REASONS[code] ?? message}`))
    })
    server.listen(port, host, resolve)
  })
}

/** What Prometheus is told. */
async function metricsOf() {
  const { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } = await import('prom-client')
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const labelNames = ['method', 'path', 'status'] as const
  const requests = new Counter({ name: 'metafusion_requests_total', help: 'Requests answered', labelNames, registers })
  const rows = new Counter({ name: 'metafusion_rows_total', help: 'Rows predicted', registers })
  const seconds = new Histogram({
    name: 'metafusion_request_duration_seconds',
    help: 'How long answers take',
    labelNames: ['path'] as const,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers,
  })
  const inFlight = new Gauge({ name: 'metafusion_requests_in_flight', help: 'Requests being answered', registers })
  return {
    inFlight,
    contentType: registry.contentType,
    text: () => registry.metrics(),
    count({ method, path, status, ms, rows: predicted }: Facts) {
      requests.inc({ method, path, status })
      seconds.observe({ path }, ms / 1000)
      rows.inc(predicted)
    },
  }
}

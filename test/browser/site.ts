// A site for the tests: files and texts on 127.0.0.1 with the headers that a careful host would send.

import { createReadStream, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'
import type { Page } from 'playwright-core'

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css',
  '.csv': 'text/csv',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.mjs': 'text/javascript',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
}

/** No eval, nothing from elsewhere: what a page may be that compiles WebAssembly and has workers. */
export const STRICT_CSP = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'"

export interface SiteOptions {
  /** What is served under each path that ends in `/`: a folder; under any other: a text or bytes. */
  readonly content: Readonly<Record<string, string | Uint8Array>>
  /** Content-Security-Policy. Default STRICT_CSP. */
  readonly csp?: string
  /** Whether pages are cross-origin isolated (COOP and COEP). Default false. */
  readonly isolated?: boolean
  /** More headers of every answer. */
  readonly headers?: Readonly<Record<string, string>>
}

export interface Site {
  /** `http://127.0.0.1:port`. */
  readonly origin: string
  /** Paths that were asked for and are not there. */
  readonly missed: readonly string[]
  close(): Promise<void>
}

export async function openSite({ content, csp = STRICT_CSP, isolated = false, headers = {} }: SiteOptions): Promise<Site> {
  const missed: string[] = []
  const all = {
    'content-security-policy': csp,
    'cache-control': 'no-store',
    ...(isolated && { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' }),
    ...headers,
  }
  const server = createServer(({ url = '/' }, response) => {
    const path = normalize(decodeURIComponent(new URL(url, 'http://site').pathname))
    const found = contentAt(content, path)
    if (!found) missed.push(path)
    response.writeHead(found ? 200 : 404, {
      ...all,
      'content-type': TYPES[extname(path) || '.html'] ?? 'application/octet-stream',
    })
    if (found && 'file' in found) createReadStream(found.file).pipe(response)
    else response.end(found?.body)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    missed,
    close: () =>
      new Promise((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
}

function contentAt(content: SiteOptions['content'], path: string): { file: string } | { body: string | Uint8Array } | undefined {
  if (!path.endsWith('/') && content[path] !== undefined) return { body: content[path] }
  if (path === '/' && content['/index.html'] !== undefined) return { body: content['/index.html'] }
  const folders = Object.keys(content).filter((under) => under.endsWith('/') && path.startsWith(under))
  const files = folders.map((under) => join(content[under] as string, path.slice(under.length) || 'index.html'))
  const file = files.find((name) => statSync(name, { throwIfNoEntry: false })?.isFile())
  return file === undefined ? undefined : { file }
}

/** What a page did that it should not: requests to another origin (which are stopped), errors and complaints of its console. */
export interface Watched {
  readonly elsewhere: readonly string[]
  readonly complaints: readonly string[]
}

/** Watches a page from before it opens. */
export async function watch(page: Page, origin: string): Promise<Watched> {
  const elsewhere: string[] = []
  const complaints: string[] = []
  const own = (url: string) => url.startsWith(`${origin}/`) || /^(?:data|blob):/.test(url)
  await page.context().route(
    (url) => !own(url.href),
    (route) => {
      elsewhere.push(route.request().url())
      return route.abort()
    },
  )
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  return { elsewhere, complaints }
}

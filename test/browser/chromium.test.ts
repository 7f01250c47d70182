import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openChromium } from './chromium.ts'
import { openSite, watch } from './site.ts'

let browser: Browser
beforeAll(async () => {
  browser = await openChromium()
})
afterAll(() => browser?.close())

const WASM = 'new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0))'

/** What a page says of an expression that the site serves as its script. */
async function said(script: string, options: { isolated?: boolean; csp?: string } = {}) {
  const content = { '/index.html': '<script type="module" src="/page.js"></script>', '/page.js': script, '/here.txt': 'here' }
  const site = await openSite({ content, ...options })
  const page = await browser.newPage()
  const watched = await watch(page, site.origin)
  try {
    await page.goto(site.origin)
    const value = await page.waitForFunction(() => (globalThis as { said?: unknown }).said)
    return { value: await value.jsonValue(), ...watched }
  } finally {
    await page.close()
    await site.close()
  }
}

test('a page of the site compiles WebAssembly and asks its own origin', async () => {
  const { value, elsewhere, complaints } = await said(`${WASM}; globalThis.said = await (await fetch('/here.txt')).text()`)
  expect({ value, elsewhere }).toEqual({ value: 'here', elsewhere: [] })
  expect(complaints.filter((text) => !text.includes('favicon'))).toEqual([])
})

test('the policy of the site holds: no eval, and no WebAssembly where it is not allowed', async () => {
  expect((await said('try { globalThis.said = eval("1") } catch (e) { globalThis.said = e.name }')).value).toBe('EvalError')
  const csp = "default-src 'none'; script-src 'self'"
  expect((await said(`try { ${WASM} } catch (e) { globalThis.said = e.name }`, { csp })).value).toBe('CompileError')
})

test('a request to another origin is seen and answered by nobody', async () => {
  const csp = "default-src *; script-src 'self'"
  const { value, elsewhere } = await said("globalThis.said = await fetch('http://127.0.0.1:9/x').catch((e) => e.name)", { csp })
  expect({ value, elsewhere }).toEqual({ value: 'TypeError', elsewhere: ['http://127.0.0.1:9/x'] })
})

test.each([true, false])('a page is cross-origin isolated when it is to be: %s', async (isolated) => {
  const script = "globalThis.said = String(crossOriginIsolated) + ' ' + typeof SharedArrayBuffer"
  expect((await said(script, { isolated })).value).toBe(isolated ? 'true function' : 'false undefined')
})

test('where no browser starts, a sentence names the three places', async () => {
  const { CHROMIUM_PATH, PATH, TMPDIR } = process.env
  Object.assign(process.env, { CHROMIUM_PATH: '/nowhere/chromium', PATH: '', TMPDIR: '/nowhere' })
  try {
    await expect(openChromium()).rejects.toThrow(
      /^no Chromium started, give one as CHROMIUM_PATH; CHROMIUM_PATH: .*; a system Chrome or Chromium: there is none; @sparticuz\/chromium: /,
    )
  } finally {
    for (const [name, value] of Object.entries({ CHROMIUM_PATH, PATH, TMPDIR })) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  }
})

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundlePage, PAGE } from '../browser/bundle.ts'
import { openChromium } from '../browser/chromium.ts'
import { openSite, watch } from '../browser/site.ts'
import { module } from '../recipe/studies.ts'
import { type Said, work } from './page.ts'

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))

let browser: Browser
let script: Readonly<Record<string, string>>
let here: Omit<Said, 'isolated'>
beforeAll(async () => {
  browser = await openChromium()
  script = await bundlePage(at('test/encoders/page-main.ts'))
  here = await work(module)
})
afterAll(() => browser?.close())

const FOLDERS = {
  '/tfjs/': at('node_modules/@tensorflow/tfjs-backend-wasm/wasm-out'),
  '/ort/': at('node_modules/onnxruntime-web/dist'),
}

/** What the page says under a strict policy, and what it did on the way. */
async function opened(folders: Readonly<Record<string, string>>, isolated: boolean) {
  const content = { '/index.html': PAGE, '/train.wasm': readFileSync(at('build/train.wasm')), ...script, ...folders }
  const site = await openSite({ content, isolated })
  const page = await browser.newPage()
  const watched = await watch(page, site.origin)
  try {
    await page.goto(site.origin)
    const said = await page.waitForFunction(() => (globalThis as { said?: unknown }).said, undefined, { timeout: 60_000 })
    return { said: (await said.jsonValue()) as Said | string, ...watched }
  } catch (error) {
    throw new Error(`${(error as Error).message}; ${watched.complaints.join('; ')}`)
  } finally {
    await page.close()
    await site.close()
  }
}

describe.each([false, true])('in a page, cross-origin isolated: %s', (isolated) => {
  let page: Awaited<ReturnType<typeof opened>>
  beforeAll(async () => {
    page = await opened(FOLDERS, isolated)
  })

  test('images are encoded and a fusion is trained to the bits of Node', () => {
    expect(page.said).toEqual({ isolated, ...here })
  })

  test('nothing is asked of anybody else, and nothing is against the policy', () => {
    expect(page.elsewhere).toEqual([])
    expect(page.complaints.filter((text) => !text.includes('favicon'))).toEqual([])
  })
})

test('a page that does not serve the wasm files is told what to do', async () => {
  const { said } = await opened({}, false)
  expect(said).toMatch(
    /^ConfigError: TF\.js's wasm backend does not start from "\/tfjs\/" \(.*\): give the folder of the \.wasm files of @tensorflow\/tfjs-backend-wasm as wasmPaths$/,
  )
})

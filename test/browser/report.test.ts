// Reports as a browser shows them, from a file: what axe-core finds, what the policy lets through, and how they are printed.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Result } from 'axe-core'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { reports, SCRIPT } from '../node/report/studies.ts'
import { openChromium } from './chromium.ts'

declare const axe: typeof import('axe-core')

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const NAMES = ['nasty.html', 'scored.html']

let browser: Browser
let root = ''
beforeAll(async () => {
  root = await reports()
  browser = await openChromium()
})
afterAll(() => browser?.close())

/** A report in a context of its own, and what it asked for and complained of. */
async function opened(name: string, width: number, colorScheme: 'light' | 'dark' = 'light') {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme })
  const page = await context.newPage()
  const said: string[] = []
  page.on('console', (message) => said.push(message.text()))
  page.on('pageerror', (error) => said.push(error.message))
  page.on('dialog', (dialog) => said.push(`dialog ${dialog.message()}`))
  page.on('request', (request) => said.push(request.url()))
  const url = pathToFileURL(join(root, name)).href
  await page.goto(url)
  return { page, said, url, close: () => context.close() }
}

const open = (page: Page) =>
  page.evaluate(() => {
    for (const details of document.querySelectorAll('details')) details.open = true
  })

const SIZES = [1280, 390].flatMap((width) => (['light', 'dark'] as const).map((scheme) => [width, scheme] as const))

describe.each(NAMES)('%s', (name) => {
  test.each(SIZES)('at %i pixels in %s has nothing that axe finds fault with', async (width, scheme) => {
    const { page, close } = await opened(name, width, scheme)
    await open(page)
    await page.evaluate(AXE)
    const { violations, passes } = await page.evaluate(() => axe.run())
    const told = (results: Result[]) => results.map(({ id, nodes }) => `${id}: ${nodes[0].html}`)
    expect(told(violations as Result[])).toEqual([])
    expect(passes.map(({ id }) => id)).toEqual(expect.arrayContaining(['color-contrast', 'svg-img-alt', 'heading-order']))
    await close()
  })

  test.each([1280, 390])('at %i pixels asks for nothing, complains of nothing and does not move sideways', async (width) => {
    const { page, said, url, close } = await opened(name, width)
    expect(said.filter((text) => text !== url)).toEqual([])
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width)
    expect(await page.evaluate(() => getComputedStyle(document.body).maxWidth)).toBe('1024px')
    await close()
  })

  test('is dark where that is preferred, and printed light on A4 with no chart cut off', async () => {
    const { page, close } = await opened(name, 688, 'dark')
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
    expect(await ground()).toBe('rgb(21, 23, 27)')
    await page.emulateMedia({ media: 'print' })
    expect(await ground()).toBe('rgb(255, 255, 255)')
    const widths = await page.evaluate(() =>
      Array.from(document.querySelectorAll('svg'), (svg) => svg.getBoundingClientRect().right),
    )
    expect(Math.max(...widths)).toBeLessThanOrEqual(688)
    const pdf = (await page.pdf({ preferCSSPageSize: true })).toString('latin1')
    const sheets = [...pdf.matchAll(/\/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]/g)].map(([, w, h]) => [
      Math.round(Number(w)),
      Math.round(Number(h)),
    ])
    expect(sheets.length).toBeGreaterThan(1)
    for (const sheet of sheets) expect(sheet).toEqual([595, 842])
    await close()
  })
})

test('a class that is a script is a text', async () => {
  const { page, close } = await opened('nasty.html', 1280)
  expect(await page.locator('script').count()).toBe(0)
  expect(await page.getByRole('rowheader', { name: SCRIPT, exact: true }).count()).toBeGreaterThan(0)
  expect(await page.title()).toBe('</title><img src=x onerror=alert(2)>: report')
  await close()
})

test('the policy stops what would get into a report after all', async () => {
  const { page, said, close } = await opened('nasty.html', 1280)
  await page.evaluate(() => {
    const script = document.createElement('script')
    script.textContent = 'globalThis.ran = true'
    document.body.append(script)
    document.body.setAttribute('style', 'display: none')
  })
  expect(await page.evaluate(() => 'ran' in globalThis)).toBe(false)
  expect(await page.evaluate(() => getComputedStyle(document.body).display)).toBe('block')
  expect(said.filter((text) => text.includes('Content Security Policy'))).toHaveLength(2)
  await close()
})

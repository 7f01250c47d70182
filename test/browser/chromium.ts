// A Chromium for the tests: the machine's own, or the one that comes as a development dependency, so `npm ci` is enough.

import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import type { Browser } from 'playwright-core'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome']
const PLACES = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
]

/**
 * A headless browser; close it when the tests are over. Looked for in this order: CHROMIUM_PATH, a system Chrome or Chromium, the
 * package @sparticuz/chromium (Linux on x64). None of its security is switched off but the sandbox, which containers lack.
 * @throws Error that says what each of the three answered
 */
export async function openChromium(): Promise<Browser> {
  const { chromium } = await import('playwright-core')
  const reasons: string[] = []
  for (const [name, find] of Object.entries(SOURCES)) {
    try {
      const executablePath = await find()
      return await chromium.launch({ executablePath, args: ['--no-sandbox'] })
    } catch (error) {
      reasons.push(`${name}: ${String((error as Error).message).split('\n')[0]}`)
    }
  }
  throw new Error(`no Chromium started, give one as CHROMIUM_PATH; ${reasons.join('; ')}`)
}

const SOURCES: Readonly<Record<string, () => string | Promise<string>>> = {
  CHROMIUM_PATH: () => process.env.CHROMIUM_PATH || missing('is not set'),
  'a system Chrome or Chromium': () => installed() ?? missing('there is none'),
  '@sparticuz/chromium': packaged,
}

function missing(why: string): never {
  throw new Error(why)
}

function installed(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter)
  return [...folders.flatMap((folder) => NAMES.map((name) => join(folder, name))), ...PLACES].find((path) => existsSync(path))
}

/** The package's browser, unpacked once a machine: in a folder of its own that is renamed when complete, as tests run side by side. */
async function packaged(): Promise<string> {
  const { default: Packaged } = await import('@sparticuz/chromium')
  const entry = createRequire(import.meta.url).resolve('@sparticuz/chromium')
  const { version } = JSON.parse(readFileSync(join(dirname(entry), '../package.json'), 'utf8')) as { version: string }
  const folder = join(tmpdir(), `metafusion-chromium-${version}`)
  if (!existsSync(folder)) {
    const fresh = mkdtempSync(`${folder}-`)
    const { TMPDIR } = process.env
    process.env.TMPDIR = fresh
    // It reads the folder before its first pause, so nobody else sees it.
    const unpacking = Packaged.executablePath()
    if (TMPDIR === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = TMPDIR
    await unpacking
    try {
      renameSync(fresh, folder)
    } catch {
      // Somebody was faster.
      rmSync(fresh, { recursive: true })
    }
  }
  return join(folder, 'chromium')
}

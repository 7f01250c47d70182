import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { readModel, writeModel } from '../../../dist/node/index.js'
import { below, metafusion } from '../command.ts'
import { nasty, QUOTES, reports, SCRIPT } from './studies.ts'

let root = ''
beforeAll(async () => {
  root = await reports()
})

const page = (name: string) => readFileSync(join(root, name), 'utf8')
const sections = (text: string) => [...text.matchAll(/<section id="([a-z]+)"/g)].map((match) => match[1])
/** What a reader sees of it, without markup. */
const seen = (text: string) =>
  text
    .replace(/<style>.*?<\/style>/s, '')
    .replace(/<[^<>]*>/g, ' ')
    .replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)))
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&amp;/g, '&')
    .replace(/\s+/g, ' ')

describe('a report', () => {
  test('tells of a classification and of a regression what there is to tell', () => {
    const both = [
      'certainty',
      'importance',
      'robustness',
      'data',
      'missingness',
      'split',
      'cohort',
      'sharing',
      'teachers',
      'ensemble',
      'notes',
      'card',
    ]
    expect(sections(page('nasty.html'))).toEqual(['verdict', 'methods', 'confusion', 'classes', 'roc', 'calibration', ...both])
    expect(sections(page('scored.html'))).toEqual(['verdict', 'methods', 'agreement', ...both])
  })

  test('is one file without a script, a handler or anything from elsewhere', () => {
    for (const name of ['nasty.html', 'scored.html']) {
      const text = page(name)
      const tags = [...text.matchAll(/<([a-zA-Z!/][^\s/>]*)[^<>]*>/g)].map(([tag]) => tag)
      expect(tags.filter((tag) => /^<(script|img|iframe|object|embed|form|base|i|b)\b/i.test(tag))).toEqual([])
      expect(tags.filter((tag) => /\s(on\w+|style|src)=/i.test(tag.replace(/"[^"]*"/g, '""')))).toEqual([])
      const links = tags.flatMap((tag) =>
        [...tag.matchAll(/\bhref="([^"]*)"|url\(([^)]*)\)/g)].map(([, href, url]) => href ?? url),
      )
      expect(links.filter((link) => !/^(#|data:,$)/.test(link))).toEqual([])
      expect(text).toContain('default-src &#39;none&#39;; style-src &#39;sha256-')
    }
  })

  test('shows names as they are, whatever letters they have', () => {
    const text = page('nasty.html')
    for (const raw of [SCRIPT, '<i>for', '<img', '<b>:raw', '</td><i>']) expect(text).not.toContain(raw)
    for (const name of [SCRIPT, QUOTES, '</title><img src=x onerror=alert(2)>', 'so "called" & co', '<i>for "nasty"</i>'])
      expect(seen(text)).toContain(name)
  })

  test('has a description and a table of numbers for every chart', () => {
    for (const name of ['nasty.html', 'scored.html']) {
      const text = page(name)
      const figures = [...text.matchAll(/<figure>(.*?)<\/figure>/gs)].map((match) => match[1])
      expect(figures.length).toBeGreaterThanOrEqual(5)
      expect(text.match(/<svg /g)).toHaveLength(figures.length)
      for (const figure of figures) {
        expect(figure).toMatch(/<svg role="img" aria-label="[^"]{20,}"/)
        expect(figure).toMatch(/<details><summary>Numbers: .*<td/s)
      }
      expect(text).not.toMatch(/NaN|undefined|Infinity|\[object/)
    }
  })

  test('names nothing twice', () => {
    const text = page('nasty.html')
    const ids = [...text.matchAll(/\sid="([^"]*)"/g)].map((match) => match[1])
    expect(new Set(ids).size).toBe(ids.length)
    const used = [...text.matchAll(/url\(#([^)]*)\)|href="#([^"]*)"/g)].map((match) => match[1] ?? match[2])
    expect(used.filter((id) => !ids.includes(id))).toEqual([])
  })

  test('has the scores that the training printed, and no id of a row', async () => {
    const { stdout } = await metafusion(root, 'evaluate', 'nasty.safetensors', 'nasty', '--json')
    const [{ name, test: scores }] = JSON.parse(stdout).methods
    const verdict = new RegExp(
      `${scores.accuracy.toFixed(4)} accuracy of ${name} \\(95 % interval [01]\\.\\d{4} to [01]\\.\\d{4}\\) on ${scores.rows} rows`,
    )
    expect(seen(page('nasty.html'))).toMatch(verdict)
    const { scores: kept = [] } = readModel(readFileSync(join(root, 'nasty.safetensors'))).provenance
    for (const method of kept) expect(seen(page('nasty.html'))).toContain(` ${method.name} `)
    expect(kept.map((method) => method.name)).toContain(`single:${QUOTES}`)
    expect(seen(page('scored.html'))).not.toMatch(/\bp\d\d\b/)
  })

  test('is the same bytes every time, and leaves no other file', async () => {
    const before = readdirSync(root).sort()
    await metafusion(
      root,
      'report',
      'scored.safetensors',
      'scored',
      '--out',
      'scored.html',
      '--intended-use',
      '<i>for "scored"</i>',
    )
    const first = page('scored.html')
    await metafusion(
      root,
      'report',
      'scored.safetensors',
      'scored',
      '--out',
      'scored.html',
      '--intended-use',
      '<i>for "scored"</i>',
    )
    expect(page('scored.html')).toBe(first)
    expect(readdirSync(root).sort()).toEqual(before)
  })

  test('draws the curves of the class that is asked for, and of no other', async () => {
    const { target } = readModel(readFileSync(join(root, 'nasty.safetensors')))
    const [first, second] = target.task === 'classification' ? target.classes : []
    expect(seen(page('nasty.html'))).toContain('ROC curves of each class against the rest')
    const asked = ['report', 'nasty.safetensors', 'nasty', '--out', 'first.html', '--positive']
    expect((await metafusion(root, ...asked, first)).code).toBe(0)
    const text = seen(page('first.html'))
    const shown = (name: string) => name.replace(/\s+/g, ' ')
    expect(text).toContain(shown(`ROC curve of the class ${first}`))
    expect(text).toContain(shown(`Probability of the class ${first} against how often it was right`))
    expect(text).not.toContain(shown(`ROC curve of the class ${second}`))
    expect(await metafusion(root, ...asked, 'nobody')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--positive is "nobody": give one of the classes'),
    })
    expect(await metafusion(root, 'report', 'scored.safetensors', 'scored', '--out', 'r.html', '--positive', 'a')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('the target is a regression'),
    })
  })

  test('of a model that keeps no scores says so', async () => {
    const model = readModel(readFileSync(join(root, 'nasty.safetensors')))
    const { scores: _, ...provenance } = model.provenance
    writeFileSync(join(root, 'old.safetensors'), writeModel({ ...model, provenance }))
    expect((await metafusion(root, 'report', 'old.safetensors', 'nasty', '--out', 'old.html')).code).toBe(0)
    expect(seen(page('old.html'))).toContain('The model file does not keep the scores of the baselines')
    expect(seen(page('old.html'))).toContain('Not stated.')
  })

  test('on other subjects compares with no score of other rows', async () => {
    const files = nasty()
    const renamed = Object.fromEntries(Object.entries(files).map(([name, text]) => [name, text.replace(/^p/gm, 'q')]))
    for (const [path, text] of Object.entries(below('others', renamed))) {
      const { mkdirSync } = await import('node:fs')
      mkdirSync(join(root, 'others'), { recursive: true })
      writeFileSync(join(root, path), text)
    }
    expect((await metafusion(root, 'report', 'nasty.safetensors', 'others', '--out', 'others.html')).code).toBe(0)
    const text = seen(page('others.html'))
    expect(text).toContain('These are not the rows that the baselines were scored on')
    expect(text).toContain('When the model was trained, on other rows than these:')
    expect(text).not.toContain('early-fusion is')
  })

  test('goes to a folder that is there', async () => {
    expect(await metafusion(root, 'report', 'nasty.safetensors', 'nasty', '--out', 'nowhere/r.html')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'metafusion: "nowhere/r.html" cannot be written: there is no folder "nowhere", create it first\n',
    })
  })
})

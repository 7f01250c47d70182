import { describe, expect, test } from 'vitest'
import { inlineSvg } from '../../../node/report/charts.ts'
import type { Method, ReportContext } from '../../../node/report/context.ts'
import { html, tableOf } from '../../../node/report/html.ts'
import { lead, lowerIsBetter, rivalsOf, strongest } from '../../../node/report/scores.ts'
import { reliability } from '../../../node/report/sections/calibration.ts'
import { rocPoints, thinned } from '../../../node/report/sections/roc.ts'
import { verdict } from '../../../node/report/sections/verdict.ts'
import { auc } from '../../../src/metrics/classification.ts'

describe('html', () => {
  test('escapes what is put into it, in text and in attributes, and nothing twice', () => {
    const inner = html`<b title="${`"'&<>`}">${['a<', html`<i>b</i>`, 3, false, undefined]}</b>`
    expect(html`<p>${inner}</p>`.text).toBe('<p><b title="&#34;&#39;&#38;&#60;&#62;">a&#60;<i>b</i>3</b></p>')
  })

  test('leaves out what no page may hold', () => {
    expect(html`${'a\u0000b\u001b[2J'}`.text).toBe('a b [2J')
  })

  test('sets columns of numbers to the right', () => {
    const { text } = tableOf(
      't',
      ['name', 'n', 'word'],
      [
        ['a', 1, 'x'],
        ['b', '–', '2'],
      ],
    )
    expect(text.match(/class="n"/g)).toHaveLength(3)
  })
})

test('of losses and errors, less is better', () => {
  for (const score of ['logLoss', 'brier', 'ece', 'mse', 'mae']) expect(lowerIsBetter(score), score).toBe(true)
  for (const score of ['accuracy', 'balancedAccuracy', 'macroF1', 'auc', 'prAuc', 'r2'])
    expect(lowerIsBetter(score), score).toBe(false)
})

describe('a figure in a page', () => {
  const svg =
    '<svg class="marks" width="1"><rect width="1" fill="white"/><g id="g_0" role="x" fill="url(#g_0)"><text fill="black">id="a" &lt;</text><path stroke="#888"/></g></svg>\n'

  test('has one description, ids of its own and the ink of the page', () => {
    expect(inlineSvg(svg, 'one', 'a "b" $& <c>').text).toBe(
      '<svg role="img" aria-label="a &#34;b&#34; $&#38; &#60;c&#62;" focusable="false" width="1">' +
        '<g id="one-g_0" fill="url(#one-g_0)"><text fill="currentColor">id="a" &lt;</text><path stroke="currentColor" stroke-opacity=".5"/></g></svg>',
    )
  })

  test('keeps black in cells of colour', () => {
    expect(inlineSvg(svg, 'one', 'alt', true).text).toContain('<text fill="black">')
  })
})

describe('a comparison', () => {
  const method = (name: string, accuracy: number, more: Partial<Method> = {}): Method => ({
    name,
    kind: 'record',
    test: { rows: 200, accuracy, logLoss: 1 - accuracy },
    ...more,
  })
  const mine = method('meta-fusion', 0.8, { kind: 'model' })
  const fewer = (name: string, accuracy: number, beside?: number): Method =>
    method(name, accuracy, {
      test: { rows: 50, accuracy },
      ...(beside === undefined ? {} : { beside: { rows: 50, accuracy: beside } }),
    })

  test('knows where less is better', () => {
    const other = method('late-fusion', 0.7)
    expect(lead('accuracy', mine, other)).toBeCloseTo(0.1)
    expect(lead('logLoss', mine, other)).toBeCloseTo(0.1)
  })

  test('is of the same rows only, and with nobody who knows what nobody can know', () => {
    const others = [method('late-fusion', 0.9), fewer('single:a', 1), fewer('single:b', 0.9, 0.95), method('oracle', 1)]
    expect(rivalsOf([mine, ...others]).map(({ name }) => name)).toEqual(['late-fusion', 'single:b'])
    expect(strongest('accuracy', mine, [others[2], method('x', 0.78)])?.name).toBe('x')
  })

  const told = (methods: readonly Method[], more: Partial<ReportContext> = {}) =>
    verdict({
      methods,
      which: 'all',
      own: true,
      rows: new Int32Array(200),
      model: { target: { task: 'classification', classes: ['a', 'b'] }, provenance: { scores: [] } },
      ...more,
    } as unknown as ReportContext).html.text

  test('warns of whoever is as good, by name', () => {
    const text = told([mine, method('early-fusion', 0.8), method('late-fusion', 0.7), method('single:a', 0.85)])
    expect(text).toContain(
      'Fusion is not better than the best single modality by accuracy, single:a (0.8500); by log loss, single:a (0.1500).',
    )
    expect(text).toContain('By accuracy fusion is not better than early-fusion (0.8000).')
    expect(text).not.toContain('than late-fusion')
  })

  test('does not warn where fusion is best', () => {
    const text = told([mine, method('early-fusion', 0.7), fewer('single:a', 0.7, 0.75)])
    expect(text).not.toContain('WARNING')
    expect(text).toContain('By accuracy fusion is better than all of 2 other methods scored on the same rows.')
  })

  test('warns of a single modality that is better on the rows it has', () => {
    const text = told([mine, fewer('single:a', 0.78, 0.76)])
    expect(text).toContain('by accuracy, single:a (0.7800 against 0.7600 on the same 50 rows)')
  })

  test('warns where nothing was scored, where singles were not trained, and where rows are few', () => {
    expect(told([{ ...mine, test: null }])).toContain('No row was scored')
    expect(told([mine])).toContain('No single modality was trained')
    expect(told([{ ...mine, test: { rows: 30, accuracy: 0.8 } }], { rows: new Int32Array(30) })).toContain('30 rows are few')
    expect(told([mine], { rows: new Int32Array(203) })).toContain('3 rows of 203 could not be predicted')
  })

  test('tells the interval of a score where it is known', () => {
    const interval = { low: 0.75, high: 0.85, level: 0.95 }
    expect(told([{ ...mine, interval }])).toContain('(95 % interval 0.7500 to 0.8500)')
  })
})

describe('curves', () => {
  test('of a ROC go by one step for equal scores, and have the area that AUC has', () => {
    const scores = Float64Array.of(0.9, 0.8, 0.8, 0.8, 0.3, 0.1)
    const positive = [1, 1, 0, 1, 0, 0]
    const points = rocPoints(scores, positive)
    const exactly = [
      { x: 0, y: 0 },
      { x: 0, y: 1 / 3 },
      { x: 1 / 3, y: 1 },
      { x: 2 / 3, y: 1 },
      { x: 1, y: 1 },
    ]
    expect(points).toHaveLength(exactly.length)
    for (const [i, { x, y }] of points.entries()) {
      expect(x).toBeCloseTo(exactly[i].x, 12)
      expect(y).toBeCloseTo(exactly[i].y, 12)
    }
    const area = points.slice(1).reduce((sum, { x, y }, i) => sum + ((x - points[i].x) * (y + points[i].y)) / 2, 0)
    expect(area).toBeCloseTo(auc(scores, positive), 12)
  })

  test('of many points are drawn by some of them, the first and the last among these', () => {
    const list = Array.from({ length: 1000 }, (_, i) => i)
    expect(thinned(list, 10)).toEqual([0, 100, 200, 300, 400, 500, 600, 700, 800, 900, 999])
    expect(thinned(list, 1000)).toEqual(list)
  })

  test('of calibration put 1 into the last bin and leave empty ones out', () => {
    expect(reliability([0.05, 0.05, 1, 0.95], [0, 1, 1, 1])).toEqual([
      { from: 0, x: 0.05, y: 0.5, rows: 2 },
      { from: 0.9, x: 0.975, y: 1, rows: 2 },
    ])
  })
})

import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { type BarChartSpec, barChart } from '../../../node/figures/bar-chart.ts'
import { type HeatMapSpec, heatMap } from '../../../node/figures/heat-map.ts'
import { type LineChartSpec, lineChart } from '../../../node/figures/line-chart.ts'
import { ROOT } from '../../structure/imports.ts'

const HEAT: HeatMapSpec = {
  title: 'Students & their <errors>',
  valueTitle: 'test MSE',
  rows: { title: 'dimensions of lfp', names: ['0', '60'] },
  columns: { title: 'dimensions of spikes', names: ['0', '5', '10'] },
  panels: [
    {
      title: 'adaptive',
      values: [
        [null, 1.5, Number.NaN],
        [2.25, 3.125, 4],
      ],
    },
    {
      title: 'adversarial',
      values: [
        [null, 7, 8],
        [9, Number.POSITIVE_INFINITY, 6],
      ],
    },
  ],
}

const BARS: BarChartSpec = {
  title: 'Methods',
  valueTitle: 'test MSE',
  bars: [
    { name: 'Meta Fusion', value: 4.5, se: 0.125, marked: true },
    { name: 'early fusion', value: 9.25, se: Number.NaN },
    { name: 'a single student', value: 6 },
  ],
}

const LINES: LineChartSpec = {
  x: { title: 'sharing ρ' },
  y: { title: 'error' },
  lineTitle: 'correlation',
  level: 1,
  panels: ['worse', 'better'].map((title) => ({
    title,
    lines: ['0', '0.5'].map((name) => ({
      name,
      curve: [0, 1, 2].map((x) => ({ x, y: x / 2 })),
      points: [{ x: 1, y: 0.5, se: 0.25 }],
    })),
  })),
}

const figures = { heatMap: () => heatMap(HEAT), barChart: () => barChart(BARS), lineChart: () => lineChart(LINES) }

/** What can be read in a figure, in the order of drawing. */
const textsOf = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map((match) => match[1])
/** Marks of a kind, by the name of their group. */
const marks = (svg: string, name: string) => [
  ...(svg.match(new RegExp(`<g class="mark-${name} role-mark[^>]*>(.*?)</g>`, 'gs')) ?? [])
    .join('')
    .matchAll(/<(?:path|line|text) /g),
]

describe.each(Object.entries(figures))('%s', (_, draw) => {
  test('is a document of its own on a white ground, the same bytes every time', async () => {
    const first = await draw()
    expect(first).toMatch(
      /^<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"[^>]*viewBox="0 0 \d+ \d+"[^>]*><rect [^>]*fill="white"/,
    )
    expect(first.endsWith('</svg>\n')).toBe(true)
    for (const other of Object.values(figures)) await other()
    expect(await draw()).toBe(first)
  })

  test('holds no number that is none', async () => {
    expect(await draw()).not.toMatch(/NaN|Infinity|undefined|null/)
  })
})

describe('a heat map', () => {
  test('prints every value in a cell of its own and leaves the missing ones blank', async () => {
    const svg = await heatMap(HEAT)
    const printed = textsOf(svg).filter((text) => /^\d+\.\d\d$/.test(text))
    expect(printed).toEqual(['1.50', '2.25', '3.13', '4.00', '7.00', '8.00', '9.00', '6.00'])
    expect(marks(svg, 'rect')).toHaveLength(8)
  })

  test('names its panels, axes and scale, whatever letters they have', async () => {
    const texts = textsOf(await heatMap(HEAT))
    for (const { title } of HEAT.panels) expect(texts).toContain(title)
    expect(texts).toEqual(expect.arrayContaining(['test MSE', 'dimensions of lfp', 'Students &amp; their &lt;errors&gt;', '60']))
    expect(texts.filter((text) => text === 'dimensions of spikes')).toHaveLength(2)
  })

  test('has one colour for a value in every panel', async () => {
    const values = [[1, 5, 9]]
    const panels = [1, 2].map((n) => ({ title: `panel ${n}`, values: n === 1 ? values : [[9, 5, 1]] }))
    const svg = await heatMap({ ...HEAT, rows: { title: 'r', names: ['0'] }, panels })
    const fills = [...svg.matchAll(/aria-roledescription="rect mark"[^>]*fill="([^"]+)"/g)].map((match) => match[1])
    expect(fills).toHaveLength(6)
    expect(new Set(fills).size).toBe(3)
    expect(fills.slice(3)).toEqual(fills.slice(0, 3).reverse())
  })

  test('of no value at all, or of one, is drawn', async () => {
    const cell = (value: number | null) => ({
      ...HEAT,
      rows: { title: 'r', names: ['a'] },
      columns: { title: 'c', names: ['b'] },
      panels: [{ title: 'p', values: [[value]] }],
    })
    expect(textsOf(await heatMap(cell(3)))).toContain('3.00')
    expect(marks(await heatMap(cell(null)), 'rect')).toHaveLength(0)
  })

  test('wants a value or null for every pair of names', async () => {
    const panels = [{ title: 'adaptive', values: [[1, 2, 3], [4]] }]
    await expect(heatMap({ ...HEAT, panels })).rejects.toThrow(
      'the panel "adaptive" has a row of 1 values: give 2 rows of 3 values, null for a missing one',
    )
    await expect(heatMap({ ...HEAT, panels: [{ title: 'adaptive', values: [] }] })).rejects.toThrow('has 0 rows')
  })
})

describe('a bar chart', () => {
  test('names its bars from top to bottom and prints their values, with their errors where there are any', async () => {
    const texts = textsOf(await barChart(BARS))
    expect(texts.filter((text) => BARS.bars.some(({ name }) => name === text))).toEqual(BARS.bars.map(({ name }) => name))
    expect(texts.filter((text) => /\.\d\d\d/.test(text))).toEqual(['4.500 ± 0.125', '9.250', '6.000'])
  })

  test('has a whisker with two ends where an error is known', async () => {
    const svg = await barChart(BARS)
    expect(marks(svg, 'rule')).toHaveLength(1)
    expect(svg.match(/aria-roledescription="tick"/g)).toHaveLength(2)
  })
})

describe('a line chart', () => {
  test('draws every curve, marks every point with its whisker, and tells lines apart by name', async () => {
    const svg = await lineChart(LINES)
    expect(svg.match(/aria-roledescription="line mark"/g)).toHaveLength(4)
    expect(svg.match(/aria-roledescription="point"/g)).toHaveLength(4)
    expect(marks(svg, 'rule')).toHaveLength(2 + 4) // The level in each panel, and the whiskers.
    expect(textsOf(svg)).toEqual(expect.arrayContaining(['correlation', '0.5', 'sharing ρ', 'error', 'worse', 'better']))
  })
})

test('without Vega one sentence says what to install', () => {
  const hook = `export const resolve = (name, context, next) => {
    if (name === 'vega') throw Object.assign(new Error('no'), { code: 'ERR_MODULE_NOT_FOUND' })
    return next(name, context)
  }`
  const program = `import { register } from 'node:module'
    register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hook)}))
    const { barChart } = await import('./dist/node/figures/bar-chart.js')
    await barChart({ valueTitle: 'v', bars: [] }).catch((error) => console.log(error.name + ': ' + error.message))`
  const said = execFileSync(process.execPath, ['--input-type=module', '--eval', program], { cwd: ROOT, encoding: 'utf8' })
  expect(said).toBe(
    'ConfigError: figures are drawn by the packages vega and vega-lite, which are not installed: npm install vega vega-lite\n',
  )
})

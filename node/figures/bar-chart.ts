import { PALETTE, render, titled } from './render.ts'

/** Values side by side, such as the error of each method over seeds. */
export interface BarChartSpec {
  readonly title?: string
  /** What the values are, with their unit. */
  readonly valueTitle: string
  /** From top to bottom. `se`: half the length of the whisker, none if it is left out or NaN; `marked` bars have a colour of their own. */
  readonly bars: readonly { readonly name: string; readonly value: number; readonly se?: number; readonly marked?: boolean }[]
  /** Digits behind the point of the printed values; 3 when left out. */
  readonly digits?: number
}

const BAR = { width: 420, height: 26 }

/**
 * Horizontal bars with whiskers of one standard error and the values beside them, as an SVG document.
 * @throws ConfigError when Vega is not installed
 */
export async function barChart({ title, valueTitle, bars, digits = 3 }: BarChartSpec): Promise<string> {
  const data = bars.map(({ name, value, se = 0, marked = false }) => {
    const half = Number.isFinite(se) ? se : 0
    const text = value.toFixed(digits) + (half > 0 ? ` ± ${half.toFixed(digits)}` : '')
    return { name, value, low: value - half, high: value + half, text, marked, whisker: half > 0 }
  })
  const whiskers = [{ filter: 'datum.whisker' }]
  const value = { field: 'value', type: 'quantitative' as const }
  return render({
    ...titled(title),
    data: { values: data },
    width: BAR.width,
    height: BAR.height * bars.length,
    encoding: {
      y: {
        field: 'name',
        type: 'nominal',
        scale: { domain: bars.map((bar) => bar.name), padding: 0.3 },
        title: null,
        axis: { ticks: false, domain: false, labelPadding: 8 },
      },
    },
    layer: [
      {
        mark: { type: 'bar' },
        encoding: {
          x: { ...value, title: valueTitle, axis: { gridColor: '#dddddd', tickCount: 6 } },
          color: { condition: { test: 'datum.marked', value: PALETTE[5] }, value: PALETTE[6] },
        },
      },
      {
        mark: { type: 'rule', strokeWidth: 1.5 },
        transform: whiskers,
        encoding: { x: { field: 'low', type: 'quantitative' }, x2: { field: 'high' } },
      },
      ...['low', 'high'].map((end) => ({
        mark: { type: 'tick' as const, size: 9, thickness: 1.5, color: 'black' },
        transform: whiskers,
        encoding: { x: { field: end, type: 'quantitative' as const } },
      })),
      {
        mark: { type: 'text', align: 'left', dx: 8, fontSize: 12 },
        encoding: { x: { field: 'high', type: 'quantitative' }, text: { field: 'text' } },
      },
    ],
  })
}

import { PALETTE, render, titled } from './render.ts'

/** A value on a curve or beside it; `se`: half the length of the whisker, none if it is left out or NaN. */
export interface Point {
  readonly x: number
  readonly y: number
  readonly se?: number
}

/** Curves and measured points over one axis; several panels side by side share both axes. */
export interface LineChartSpec {
  readonly title?: string
  readonly x: { readonly title: string; readonly scale?: 'linear' | 'log' }
  readonly y: { readonly title: string; readonly scale?: 'linear' | 'log' }
  /** What the names tell apart: stands over their colours. */
  readonly lineTitle: string
  /** Lines of the same name have the same colour in every panel. `curve` is drawn, `points` are marked on top of it. */
  readonly panels: readonly {
    readonly title: string
    readonly lines: readonly { readonly name: string; readonly curve?: readonly Point[]; readonly points?: readonly Point[] }[]
  }[]
  /** A height to compare with: a dashed line. */
  readonly level?: number
}

const PANEL = { width: 270, height: 230 }

/**
 * Curves, measured points and their whiskers, as an SVG document.
 * @throws ConfigError when Vega is not installed
 */
export async function lineChart({ title, x, y, lineTitle, panels, level }: LineChartSpec): Promise<string> {
  const names = [...new Set(panels.flatMap((panel) => panel.lines.map((line) => line.name)))]
  const data = panels.flatMap((panel) =>
    panel.lines.flatMap(({ name, curve = [], points = [] }) => [
      ...curve.map((point) => ({ ...point, kind: 'curve', name, panel: panel.title })),
      ...points.map((point) => ({ ...point, kind: 'point', name, panel: panel.title })),
    ]),
  )
  const rows = data.map((point) => ({ ...point, low: point.y - (point.se || 0), high: point.y + (point.se || 0) }))
  const only = (kind: string) => [{ filter: `datum.kind === '${kind}'` }]
  const axis = { grid: true, gridColor: '#dddddd', tickCount: 5 }
  const across = { field: 'x', type: 'quantitative' as const, title: x.title, scale: { type: x.scale ?? 'linear' }, axis }
  const upScale = y.scale === 'log' ? { type: 'log' as const } : { zero: false }
  const up = (field: string) => ({ field, type: 'quantitative' as const, title: y.title, scale: upScale, axis })
  const color = {
    field: 'name',
    type: 'nominal' as const,
    title: lineTitle,
    sort: names,
    scale: { domain: names, range: names.map((_, i) => PALETTE[i % PALETTE.length]) },
  }
  return render({
    ...titled(title),
    data: { values: rows },
    spacing: 24,
    facet: { column: { field: 'panel', sort: panels.map((panel) => panel.title), title: null, header: { labelPadding: 6 } } },
    spec: {
      ...PANEL,
      layer: [
        ...(level === undefined
          ? []
          : [
              {
                mark: { type: 'rule' as const, strokeDash: [5, 4], color: '#555555' },
                data: { values: [{}] },
                encoding: { y: { datum: level } },
              },
            ]),
        {
          mark: { type: 'line', clip: true, strokeWidth: 2 },
          transform: only('curve'),
          encoding: { x: across, y: up('y'), color },
        },
        {
          mark: { type: 'rule', strokeWidth: 1.5 },
          transform: only('point'),
          encoding: { x: across, y: up('low'), y2: { field: 'high' }, color },
        },
        {
          mark: { type: 'point', filled: true, size: 32, opacity: 1 },
          transform: only('point'),
          encoding: { x: across, y: up('y'), color },
        },
      ],
    },
  })
}

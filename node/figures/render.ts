// Figures are Vega-Lite specifications, and Vega draws them as SVG without a browser or canvas. Both packages are optional: they
// are loaded when the first figure is drawn.

import type { TopLevelSpec } from 'vega-lite'
import { ConfigError } from '../../src/core/errors.ts'

/** Colours that readers with any colour vision tell apart (Okabe and Ito 2008), black first. */
export const PALETTE = ['#000000', '#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9']

/** Scale of values in colours of even lightness (viridis), and the part of it from which black text is read better than white. */
export const SCHEME = { name: 'viridis', light: 0.55 }

const FONT = 'DejaVu Sans, Verdana, Helvetica, Arial, sans-serif'

/** A title over the whole figure. */
export const titled = (text: string | undefined) =>
  text === undefined ? {} : { title: { text, anchor: 'start' as const, offset: 12 } }

/**
 * The figure as an SVG document: the same specification gives the same bytes.
 * @throws ConfigError when Vega is not installed
 */
export async function render(spec: TopLevelSpec): Promise<string> {
  const { vega, compile } = await load()
  const styled: TopLevelSpec = {
    background: 'white',
    padding: 12,
    ...spec,
    config: {
      font: FONT,
      title: { fontSize: 15, fontWeight: 'bold' },
      axis: { labelFontSize: 12, titleFontSize: 12, titleFontWeight: 'normal', labelLimit: 360, maxExtent: 420, titlePadding: 8 },
      legend: { labelFontSize: 12, titleFontSize: 12, titleFontWeight: 'normal', titleLimit: 300 },
      header: { labelFontSize: 13, labelFontWeight: 'bold' },
      view: { stroke: null },
    },
  }
  // Gradients are numbered, in a count that goes on from figure to figure.
  vega.resetSVGDefIds()
  const view = new vega.View(vega.parse(compile(styled).spec), { renderer: 'none' })
  try {
    return `${await view.toSVG()}\n`
  } finally {
    view.finalize()
  }
}

interface TextItem {
  readonly fontSize?: number
}

/** Vega measures text with a canvas if the host has one: here by its letters alone, so that every host lays out the same. */
const textWidth = ({ fontSize = 11 }: TextItem, text: unknown): number => 0.62 * fontSize * String(text ?? '').length

async function load() {
  try {
    const [vega, { compile }] = await Promise.all([import('vega'), import('vega-lite')])
    // Exported, but left out of its types.
    const { textMetrics } = vega as unknown as { textMetrics: { width: typeof textWidth } }
    textMetrics.width = textWidth
    return { vega, compile }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new ConfigError(
      'figures are drawn by the packages vega and vega-lite, which are not installed: npm install vega vega-lite',
    )
  }
}

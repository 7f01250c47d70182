// Figures as parts of a page: in its ink on its ground, light or dark, and with one description instead of one per mark.

import { PALETTE } from '../figures/render.ts'
import { Html, html } from './html.ts'

/** What the ink of a figure becomes. In the cells of a heat map black and white stand on colours, and stay. */
const INK: Readonly<Record<string, string>> = {
  '"#000"': '"currentColor"',
  [`"${PALETTE[0]}"`]: '"currentColor"',
  '"#555555"': '"currentColor"',
  '"#888"': '"currentColor" stroke-opacity=".5"',
  '"#dddddd"': '"currentColor" stroke-opacity=".15"',
}

const NOISE = /\s(?:role|aria-[a-z]+|class|pointer-events|font-family|xmlns(?::xlink)?|version)="[^"]*"/g

/**
 * An SVG document of node/figures as an element.
 * @param id of the figure: what the drawing names begins with it, as several share a page
 * @param alt what the figure shows, for those who do not see it
 * @param cells whether black means black, as in cells of colour
 */
export function inlineSvg(svg: string, id: string, alt: string, cells = false): Html {
  const drawn = svg
    .trim()
    .replace(/<rect [^>]*fill="white"\/>/, '')
    .replace(/<[^<>]*>/g, (tag) => {
      const quiet = tag.replace(NOISE, '').replace(/(\bid="|url\(#)/g, `$1${id}-`)
      return quiet.replace(
        /(?<=\b(?:fill|stroke)=)"[^"]*"/g,
        (ink) => INK[ink] ?? (ink === '"black"' && !cells ? '"currentColor"' : ink),
      )
    })
  const { text } = html`<svg role="img" aria-label="${alt}" focusable="false"`
  return new Html(drawn.replace('<svg', () => text))
}

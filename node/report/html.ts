// HTML that cannot forget to escape: whatever is put into a template is text unless it came out of one.

import { plain } from '../report.ts'

/** Markup; only `html` makes it of strings that hold data. */
export class Html {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

export type Part = Html | string | number | false | undefined | readonly Part[]

/** A template whose values are escaped, lists one after the other; false and undefined are nothing. */
export const html = (strings: TemplateStringsArray, ...parts: readonly Part[]): Html =>
  new Html(strings.reduce((text, string, i) => text + textOf(parts[i - 1]) + string))

/** In elements and between quotes. */
const escaped = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)

function textOf(part: Part): string {
  if (part instanceof Html) return part.text
  if (part === false || part === undefined) return ''
  return typeof part === 'object' ? part.map(textOf).join('') : escaped(plain(String(part)))
}

const NUMBER = /^(?:[-−+]?\d[\d.]*(?: %)?|–)$/

/** A table whose first column names its rows; numbers stand to the right. */
export function tableOf(caption: string, head: readonly string[], rows: readonly (readonly (string | number)[])[]): Html {
  const numeric = head.map((_, c) => rows.length > 0 && rows.every((row) => NUMBER.test(String(row[c]))))
  const kind = (c: number) => (numeric[c] ? html` class="n"` : '')
  return html`<div class="scroll" tabindex="0" role="group" aria-label="${`Table: ${caption}`}"><table><caption>${caption}</caption>
<thead><tr>${head.map((title, c) => html`<th scope="col"${kind(c)}>${title}</th>`)}</tr></thead>
<tbody>
${rows.map(
  (row) =>
    html`<tr>${row.map((cell, c) => (c === 0 ? html`<th scope="row"${kind(c)}>${cell}</th>` : html`<td${kind(c)}>${cell}</td>`))}</tr>\n`,
)}</tbody></table></div>`
}

/** A chart with its caption, and its numbers as a table that can be opened. @param chart of `inlineSvg` */
export const figureOf = (chart: Html, caption: string, table: Html): Html => html`<figure>
<div class="scroll" tabindex="0" role="group" aria-label="${`Chart: ${caption}`}">${chart}</div>
<figcaption>${caption}</figcaption>
<details><summary>Numbers: ${caption}</summary>${table}</details>
</figure>
`

export const warning = (...parts: readonly Part[]): Html => html`<p class="warning"><strong>WARNING</strong> ${parts}</p>\n`

export const percent = (share: number): string => (Number.isFinite(share) ? `${(100 * share).toFixed(1)} %` : '–')

// The page at the root: what the service is, and a form to try it. Nothing is loaded from elsewhere.

import { VERSION } from '../../src/core/version.ts'
import type { Card, Limits } from './card.ts'

/** Text as HTML, in elements and between quotes. */
export const escaped = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)

/** What a browser may do on the page. @param nonce of its style and script */
export const policyOf = (nonce: string): string =>
  [
    "default-src 'none'",
    `style-src 'nonce-${nonce}'`,
    `script-src 'nonce-${nonce}'`,
    'img-src data:',
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')

/** @param card the model; undefined where it is told only to those who have the token */
export function pageOf(card: Card | undefined, limits: Limits, media: readonly string[], nonce: string): string {
  const title = escaped(card?.title || 'Meta Fusion')
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="icon" href="data:,">
<style nonce="${nonce}">${STYLE}</style>
</head>
<body>
<main>
<h1>${title}</h1>
<p>A fusion model behind HTTP: it predicts rows of several modalities, any of which may be missing. At most ${limits.rows} rows and
${limits.bodyBytes} bytes are taken at once; nothing of them is kept.</p>
${card ? modelPart(card) : '<p>What the model is, it tells those who have the token.</p>'}
<h2>Ask</h2>
<table>
<thead><tr><th scope="col">request</th><th scope="col">answer</th></tr></thead>
<tbody>
<tr><td><code>POST v1/predict</code></td><td>a prediction of each row; <code>?rule=</code> chooses how students are combined</td></tr>
<tr><td><a href="v1/model"><code>GET v1/model</code></a></td><td>what the model is, must be given and says</td></tr>
<tr><td><a href="openapi.json"><code>GET openapi.json</code></a></td><td>the service in OpenAPI 3.1</td></tr>
<tr><td><a href="healthz"><code>GET healthz</code></a></td><td>whether the service can answer</td></tr>
</tbody>
</table>
<p>Rows are sent as ${media.map((name) => `<code>${escaped(name)}</code>`).join(', ')}. In a table columns are named
<code>modality.feature</code>, and <code>id</code> if rows have names. What is absent or null is missing.</p>
<h2>Try it</h2>
<form>
${card ? '' : '<label for="token">Token</label>\n<input id="token" type="password" autocomplete="off">'}
<label for="rows">Rows, as JSON</label>
<textarea id="rows" rows="14" spellcheck="false">${card ? escaped(JSON.stringify(card.example, null, 2)) : ''}</textarea>
<p><button type="submit">Predict</button>${card ? '' : ' <button type="button" id="example">Fill in an example</button>'}</p>
</form>
<p id="said" role="status"></p>
<div id="answer"></div>
</main>
<footer>metafusion ${VERSION}</footer>
<script nonce="${nonce}">${SCRIPT}</script>
</body>
</html>
`
}

function modelPart(card: Card): string {
  const outcome = 'classes' in card ? card.classes : card.outputs
  const rows = card.modalities.map(({ name, features }) => {
    const told = features.slice(0, 12).map((f) => {
      return f.kind === 'number' ? escaped(f.name) : `${escaped(f.name)} (${f.levels.map(escaped).join(', ')})`
    })
    const more = features.length > 12 ? ` and ${features.length - 12} more` : ''
    return `<tr><th scope="row">${escaped(name)}</th><td>${features.length}</td><td>${told.join(', ')}${more}</td></tr>`
  })
  const { train, validation, test } = card.provenance.rows
  return `<p>${card.task === 'classification' ? 'It tells' : 'It estimates'} ${outcome.map((name) => `<b>${escaped(name)}</b>`).join(', ')};
${card.students.length} students, ${train} rows to learn from, ${validation > 0 ? `${validation} for validation, ` : ''}${test} for testing.</p>
<h2>What it is given</h2>
<table>
<thead><tr><th scope="col">modality</th><th scope="col">features</th><th scope="col">named</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table>`
}

const STYLE = `
:root { color-scheme: light dark; --line: #8886; --soft: #8881; --bad: #c22; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; }
main, footer { max-width: 52rem; margin: 0 auto; padding: 1rem; }
footer { opacity: .7; font-size: .875rem; }
h1, h2 { line-height: 1.2; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem .35rem 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
code, textarea { font: .875rem/1.5 ui-monospace, monospace; }
label { display: block; margin: .6rem 0 .2rem; }
textarea, input { width: 100%; box-sizing: border-box; padding: .5rem; border: 1px solid var(--line); border-radius: .3rem; background: var(--soft); color: inherit; }
button { font: inherit; padding: .4rem 1rem; }
.bad { color: var(--bad); }
@media (prefers-color-scheme: dark) { :root { --bad: #f77; } }
`

// Names and numbers of the answer become text, never markup.
const SCRIPT = `
const at = (id) => document.getElementById(id)
const headers = () => (at('token') && at('token').value ? { authorization: 'Bearer ' + at('token').value } : {})
const say = (text, bad) => {
  at('said').textContent = text
  at('said').className = bad ? 'bad' : ''
}
const make = (name, children) => {
  const element = document.createElement(name)
  for (const child of children) element.append(child)
  return element
}
const ask = async (path, options) => {
  at('answer').replaceChildren()
  say('…')
  try {
    const response = await fetch(path, options)
    const answer = await response.json()
    if (response.ok) return answer
    say(answer.error.message + ' (request ' + answer.requestId + ')', true)
  } catch (error) {
    say('the service does not answer: ' + error.message, true)
  }
}
const show = ({ rows, rule, notes }) => {
  const cells = rows.map((row, i) => [
    row.id ?? String(i),
    row.abstained ?? row.prediction ?? '',
    Object.entries(row.probabilities ?? row.values ?? {}).map(([name, value]) => name + ' ' + Number(value.toPrecision(4))).join(', '),
    row.students.map(({ name, weight }) => name + ' ' + Number(weight.toPrecision(2))).join(', '),
    row.missing.join(', '),
  ])
  const head = make('tr', ['row', 'prediction', 'numbers', 'students', 'missing'].map((name) => make('th', [name])))
  const body = cells.map((row) => make('tr', row.map((cell) => make('td', [cell]))))
  at('answer').append(make('table', [make('thead', [head]), make('tbody', body)]))
  say([rows.length + (rows.length === 1 ? ' row' : ' rows') + ' by ' + rule, ...notes].join('; '))
}
document.querySelector('form').addEventListener('submit', async (event) => {
  event.preventDefault()
  const answer = await ask('v1/predict', { method: 'POST', body: at('rows').value, headers: { 'content-type': 'application/json', ...headers() } })
  if (answer) show(answer)
})
at('example')?.addEventListener('click', async () => {
  const card = await ask('v1/model', { headers: headers() })
  if (!card) return
  at('rows').value = JSON.stringify(card.example, null, 2)
  say('')
})
`

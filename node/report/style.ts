/** The report's style: light and dark, from a phone to a wide screen, and A4. */
export const STYLE = `
:root { color-scheme: light; --ink: #1a1c20; --ground: #fff; --soft: #f3f4f6; --line: #d5d8dd; --link: #0b5cad; --bad: #8c1d18; --bad-ground: #fdeceb; }
@media screen and (prefers-color-scheme: dark) {
  :root { color-scheme: dark; --ink: #e8eaed; --ground: #15171b; --soft: #1f2228; --line: #3c4149; --link: #8ab8f5; --bad: #ffb4ab; --bad-ground: #3a1614; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 64rem; padding: 1rem; font: 1rem/1.5 system-ui, sans-serif; color: var(--ink); background: var(--ground); }
h1, h2, h3 { line-height: 1.25; overflow-wrap: anywhere; }
h2 { margin: 2.5rem 0 .75rem; padding-top: .75rem; border-top: 1px solid var(--line); }
p, li, code { overflow-wrap: anywhere; }
a { color: var(--link); }
code { font: .875em/1.5 ui-monospace, monospace; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin: 0; padding: 0; list-style: none; }
nav a { display: inline-block; padding: .25rem 0; }
.big { font-size: 2.5rem; font-weight: 700; line-height: 1.2; font-variant-numeric: tabular-nums; }
.warning { padding: .6rem .8rem; border-left: .3rem solid var(--bad); color: var(--bad); background: var(--bad-ground); }
figure { margin: 1rem 0 1.5rem; }
figcaption { margin-top: .25rem; }
.scroll { overflow-x: auto; max-width: 100%; margin: .5rem 0; }
.scroll:focus-visible, summary:focus-visible, a:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
svg { display: block; max-width: none; }
table { border-collapse: collapse; min-width: min(100%, 20rem); font-size: .9375rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: .25rem 0; }
th, td { padding: .3rem 1rem .3rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
thead th { vertical-align: bottom; }
tbody th { font-weight: 500; white-space: nowrap; }
td:nth-child(2):last-child { min-width: 12rem; overflow-wrap: anywhere; }
.n { text-align: right; white-space: nowrap; }
summary { cursor: pointer; padding: .25rem 0; color: var(--link); }
details table { font-size: .875rem; }
footer { margin-top: 2rem; border-top: 1px solid var(--line); }
@page { size: A4; margin: 16mm 14mm; }
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; }
  nav, details:not([open]) { display: none; }
  .scroll { overflow: visible; }
  svg { max-width: 100%; max-height: 22cm; height: auto; }
  table { font-size: 8pt; width: 100%; }
  tbody th { white-space: normal; }
  th, td { overflow-wrap: anywhere; padding-right: .5rem; }
  h2, h3, h2 + p, p:has(+ figure), p:has(+ .scroll), caption { break-after: avoid; }
  figure, tr, p, section > .scroll { break-inside: avoid; }
  .warning { print-color-adjust: exact; }
}
`

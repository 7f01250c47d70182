// A report as one file: no script, nothing from elsewhere, the same bytes for the same model and data.

import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import { VERSION } from '../../src/core/version.ts'
import type { ReportContext, SectionOf } from './context.ts'
import { Html, html } from './html.ts'
import { agreement } from './sections/agreement.ts'
import { calibration } from './sections/calibration.ts'
import { card } from './sections/card.ts'
import { certainty } from './sections/certainty.ts'
import { classesSection } from './sections/classes.ts'
import { cohort } from './sections/cohort.ts'
import { confusion } from './sections/confusion.ts'
import { dataSection } from './sections/data.ts'
import { ensemble } from './sections/ensemble.ts'
import { importance } from './sections/importance.ts'
import { methodsSection } from './sections/methods.ts'
import { missingness } from './sections/missingness.ts'
import { notesSection } from './sections/notes.ts'
import { robustness } from './sections/robustness.ts'
import { roc } from './sections/roc.ts'
import { sharing } from './sections/sharing.ts'
import { splitSection } from './sections/split.ts'
import { teachers } from './sections/teachers.ts'
import { verdict } from './sections/verdict.ts'
import { STYLE } from './style.ts'

/** In the order of the page, by the id that links go to. */
const SECTIONS: Readonly<Record<string, SectionOf>> = {
  verdict,
  methods: methodsSection,
  confusion,
  classes: classesSection,
  roc,
  calibration,
  agreement,
  certainty,
  importance,
  robustness,
  data: dataSection,
  missingness,
  split: splitSection,
  cohort,
  sharing,
  teachers,
  ensemble,
  notes: notesSection,
  card,
}

/** The style by its fingerprint, an empty icon, and nothing else. */
const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
].join('; ')

/** The report. @throws ConfigError when Vega is not installed */
export async function reportPage(context: ReportContext): Promise<string> {
  const { model, file } = context
  const told = await Promise.all(Object.entries(SECTIONS).map(async ([id, section]) => ({ id, section: await section(context) })))
  const parts = told.flatMap(({ id, section }) => (section ? [{ id, ...section }] : []))
  const title = model.provenance.title || 'Fusion model'
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}: report</title>
<link rel="icon" href="data:,">
<style>${new Html(STYLE)}</style>
</head>
<body>
<header>
<h1>${title}</h1>
<p>Report on <code>${basename(file.file)}</code></p>
</header>
<nav aria-label="Contents"><ul>
${parts.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>\n`)}</ul></nav>
<main>
${parts.map(({ id, title, html: body }) => html`<section id="${id}" aria-labelledby="${id}-title">\n<h2 id="${id}-title">${title}</h2>\n${body}\n</section>\n`)}</main>
<footer><p>metafusion ${VERSION}</p></footer>
</body>
</html>
`.text
}

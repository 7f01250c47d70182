// Draws docs/figures/bench-*.svg, the curves of a record:  node test/bench/figures.js RECORD.json

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { lineChart } from '../../dist/node/figures/line-chart.js'
import { writeFileSafely } from '../../dist/node/files.js'

const TITLES = {
  students: ['Students', 'CPU ms a step'],
  rows: ['Rows', 'CPU ms an epoch'],
  width: ['Width of both hidden layers', 'CPU ms a step'],
  classes: ['Classes', 'CPU ms a step'],
}

/** A curve, its points, and the line of slope 1 through the last of them. */
function figureOf(name, points, exponent) {
  const [across, up] = TITLES[name]
  const last = points[points.length - 1]
  return lineChart({
    title: `${across}: cost grows as the power ${exponent.toFixed(2)}`,
    x: { title: across, scale: 'log' },
    y: { title: up, scale: 'log' },
    lineTitle: '',
    panels: [
      {
        title: ' ',
        lines: [
          { name: 'measured', curve: points, points },
          { name: 'linear', curve: points.map(({ x }) => ({ x, y: (last.y * x) / last.x })) },
        ],
      },
    ],
  })
}

const { results } = JSON.parse(readFileSync(process.argv[2], 'utf8'))
for (const { id, value, points } of results) {
  const name = /^curve\/(\w+)\/exponent$/.exec(id)?.[1]
  if (!name || !points) continue
  const file = fileURLToPath(new URL(`../../docs/figures/bench-${name}.svg`, import.meta.url))
  writeFileSafely(file, await figureOf(name, points, value))
}

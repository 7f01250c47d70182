// How the cost of a step, or of an epoch, grows: with students, rows, width and classes.

import { randomFrom } from '../../../dist/src/wasm/random.js'
import { cohortOf } from '../cohorts.js'
import { interleave, summary } from '../rounds.js'

const SMALL = { features: [64], extractors: ['raw'], head: [128, 64], classes: 10, copies: 4 }

/** Every curve: its sizes, the cohort of a size, and what is timed. */
const CURVES = {
  students: { sizes: [4, 8, 16, 32, 64, 128, 256], of: (copies) => ({ ...SMALL, copies }), unit: 'ms a step' },
  rows: {
    sizes: [1e3, 1e4, 1e5, 1e6],
    of: (rows) => ({ features: [16], extractors: ['raw'], head: [32], classes: 4, copies: 4, rows }),
    unit: 'ms an epoch',
    work: epoch,
  },
  width: {
    sizes: [16, 64, 256, 1024, 2048, 4096],
    of: (width) => ({ ...SMALL, head: [width, width], copies: 1 }),
    unit: 'ms a step',
  },
  classes: { sizes: [2, 10, 50, 100, 300, 1000], of: (classes) => ({ ...SMALL, classes }), unit: 'ms a step' },
}

export async function run(bench) {
  for (const [name, { sizes, of, unit, work }] of Object.entries(CURVES)) {
    const id = `curve/${name}/exponent`
    if (!bench.wants(id)) continue
    const points = []
    for (const size of sizes) {
      const cohort = cohortOf(of(size))
      const call = work ? work(cohort) : () => cohort.step()
      const { call: times } = await interleave(
        { call },
        { rounds: bench.rounds ?? 5, warmup: work ? 1 : 2, seconds: work ? 0 : 0.05 },
      )
      points.push({ x: size, y: summary(times.cpu).median, least: Math.min(...times.cpu) })
    }
    const value = exponent(points)
    const late = exponent(points.slice(-3))
    const text = points.map(({ x, y }) => `${x}: ${Number(y.toPrecision(3))}`).join(', ')
    bench.record({ id, value, unit: '', note: `CPU ${unit}: ${text}; by the last three ${late.toFixed(2)}`, points })
  }
}

/** An epoch as a stage has it: an order of all training rows, batch by batch. */
function epoch({ plan, splits, step }) {
  let count = 0
  return () => {
    const order = randomFrom(plan.problem.session, ++count).permutation(splits.train.length)
    for (let at = 0; at < order.length; at += 64) step(order.subarray(at, at + 64))
  }
}

/** b of the least squares line log y = a + b log x. */
export function exponent(points) {
  const mean = (f) => points.reduce((sum, point) => sum + f(point), 0) / points.length
  const [x, y] = [({ x }) => Math.log(x), ({ y }) => Math.log(y)]
  const [mx, my] = [mean(x), mean(y)]
  return mean((p) => (x(p) - mx) * (y(p) - my)) / mean((p) => (x(p) - mx) ** 2)
}

// Prints how many bytes of JavaScript's heap a step of a small cohort takes, once warm. Run by allocation.test.ts in a process of
// its own whose young generation is so large that nothing is collected while it counts.

import { studentOf } from '../../dist/src/fusion/student.js'
import { ADAM } from '../../dist/src/train/optimizer.js'
import { mutual } from '../../dist/src/train/sharing.js'
import { planOf, trainBatch } from '../../dist/src/train/step.js'
import { openTrainSession } from '../../dist/src/wasm/session.js'
import { kernels } from '../../dist/web/index.js'

const ROWS = 64
const session = openTrainSession(kernels('train'))
const put = (/** @type {number} */ n) => session.memory.put(Float32Array.from({ length: n }, (_, i) => (i % 7) / 7 - 0.4))
const raw = { kind: /** @type {const} */ ('raw') }
const encoder = { kind: /** @type {const} */ ('mlp'), widths: [4, 2] }
const students = [
  [raw, raw],
  [encoder, raw],
  [{ kind: /** @type {const} */ ('skip') }, encoder],
].map((extractors) => studentOf({ extractors, hidden: [5, 4], activation: 'relu', outputs: 2 }, [6, 3]))
const rows = Int32Array.from({ length: ROWS }, (_, row) => row)
const problem = {
  session,
  students,
  // Modalities are missing in some rows.
  sees: students.map((_, i) => Uint8Array.from(rows, (row) => (row % (5 + i) === 0 ? 0 : 1))),
  sources: new Map([6, 3].map((width, m) => [`${m}:raw`, { at: put(ROWS * width), width }])),
  target: { task: /** @type {const} */ ('classification'), at: session.memory.put(rows.map((row) => row % 2)), outputs: 2 },
  train: rows,
  validation: rows,
}
const plan = planOf(problem, ROWS)
for (const { block, first, size } of plan.states) {
  session.memory.f32(block, size).fill(0.1)
  session.memory.f32(first, 2 * size).fill(0)
}
const objective = mutual(plan, { rho: 0.5, teachers: new Float32Array(students.length).fill(1) })
const taken = session.memory.size()
const steps = (/** @type {number} */ n) => {
  const before = process.memoryUsage().heapUsed
  for (let i = 0; i < n; i++) trainBatch(plan, rows, objective, ADAM)
  return process.memoryUsage().heapUsed - before
}
// The host's compiler, which works beside the first thousands of steps, uses the heap as well.
steps(6000)
await new Promise((resolve) => setTimeout(resolve, 200))
console.log(JSON.stringify({ bytes: Math.min(...[1, 2, 3].map(() => steps(2000) / 2000)), grown: session.memory.size() - taken }))

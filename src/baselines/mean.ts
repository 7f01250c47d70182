import { lossOf, type Plan } from '../train/step.ts'
import type { Pointer } from '../wasm/memory.ts'

/** What all students who see a row say to it on average, and how good that is: what students that are trained as one are judged by. */
export interface Mean {
  /** The mean output (B, outputs), and its softmax in classification. */
  readonly said: Pointer
  readonly told: Pointer
  /** What each row counts (B): 1 / rows that anyone sees, or 0. */
  readonly rowWeights: Pointer
  /** How many students see each row of the batch. */
  readonly speakers: readonly number[]
  readonly loss: number
}

/** Room for the mean of each batch to come. */
export function meanOf(plan: Plan): (rows: Int32Array) => Mean {
  const { problem, outputs, weights, cohort } = plan
  const { session, target, sees } = problem
  const { kernels, memory } = session
  const D = target.outputs
  const room = () => memory.alloc(4 * cohort.capacity * D)
  const said = room()
  const told = target.task === 'classification' ? room() : said
  const rowWeights = weights.groups[weights.anyone].task
  return (rows) => {
    const B = rows.length
    const sum = new Float64Array(B * D)
    sees.forEach((mine, i) => {
      const out = memory.f32(outputs + 4 * i * B * D, B * D)
      for (let k = 0; k < B * D; k++) if (mine[rows[Math.floor(k / D)]]) sum[k] += out[k]
    })
    const speakers = Array.from(rows, (row) => sees.reduce((n, mine) => n + mine[row], 0))
    memory.f32(said, B * D).set(sum.map((v, k) => v / Math.max(speakers[Math.floor(k / D)], 1)))
    if (told !== said) kernels.softmax(told, said, B, D)
    return { said, told, rowWeights, speakers, loss: lossOf(plan, said, rowWeights, B) }
  }
}

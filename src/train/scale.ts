import type { TrainKernels } from '../wasm/kernels.ts'
import type { Session } from '../wasm/session.ts'

/** How many times as large outputs should be, and their mean task loss then. */
export interface Scale {
  readonly scale: number
  readonly loss: number
}

/**
 * The scale of outputs (rows, D) at which their loss on rows that they were not learned from is the smallest, drawn towards 1 where only
 * part of it is believed: of logits their temperature, of a regression's standardised values the slope of the target on them.
 * @param target labels (rows), or values (rows, D)
 * @param weights what rows count, 1 when left out
 * @param belief 0 for a scale of 1, 1 for the best one
 * @param unknown of a classification, how many rows more are thought of, about which nothing is known; one of each class when left out
 */
export const scaleOf = (
  session: Session<TrainKernels>,
  outputs: Float32Array,
  target: Int32Array | Float32Array,
  D: number,
  weights: ArrayLike<number> | undefined,
  belief: number,
  unknown = D,
): Scale =>
  target instanceof Int32Array
    ? temperature(session, outputs, target, D, weights, belief, unknown)
    : slope(outputs, target, D, weights, belief)

/** By least squares, never below 0: who is wrong about the direction says nothing. */
function slope(
  outputs: Float32Array,
  target: Float32Array,
  D: number,
  weights: ArrayLike<number> | undefined,
  belief: number,
): Scale {
  let [both, own] = [0, 0]
  for (let k = 0; k < outputs.length; k++) {
    const w = weights?.[Math.floor(k / D)] ?? 1
    both += w * outputs[k] * target[k]
    own += w * outputs[k] * outputs[k]
  }
  const best = own > 0 ? Math.max(0, both / own) : 1
  const scale = 1 + (best - 1) * belief
  let [loss, sum] = [0, 0]
  for (let k = 0; k < outputs.length; k++) {
    const w = weights?.[Math.floor(k / D)] ?? 1
    loss += w * (scale * outputs[k] - target[k]) ** 2
    sum += w
  }
  return { scale, loss: loss / sum }
}

/** How often the range of scales, 1/20 to 20, is halved: to a hundred-thousandth. */
const HALVINGS = 20

/**
 * Temperature scaling (Guo et al., ICML 2017; the scale is 1 / T). Exact operations but for the kernels' softmax.
 *
 * Rows that are told apart without an error would have an endless scale. As in Platt's fits (1999), rows more are thought of, about
 * which nothing is known: each label is spread by unknown / (rows + unknown) over all classes.
 */
function temperature(
  { kernels, memory }: Session<TrainKernels>,
  logits: Float32Array,
  labels: Int32Array,
  D: number,
  weights: ArrayLike<number> | undefined,
  belief: number,
  unknown: number,
): Scale {
  const mark = memory.mark()
  const B = labels.length
  const z = memory.alloc(4 * B * D)
  const p = memory.alloc(4 * B * D)
  const spread = unknown / (B + unknown)
  // Σ w (Σ y z - Σ p z), y the spread label: above 0 while a larger scale lowers the loss.
  const rises = (scale: number): boolean => {
    const at = memory.f32(z, B * D)
    for (let j = 0; j < at.length; j++) at[j] = scale * logits[j]
    kernels.softmax(p, z, B, D)
    const chances = memory.f32(p, B * D)
    let slope = 0
    for (let b = 0; b < B; b++) {
      let said = 0
      let even = 0
      for (let d = 0; d < D; d++) {
        said += chances[b * D + d] * logits[b * D + d]
        even += logits[b * D + d] / D
      }
      slope += (weights?.[b] ?? 1) * ((1 - spread) * logits[b * D + labels[b]] + spread * even - said)
    }
    return slope > 0
  }
  let [low, high] = [1 / 20, 20]
  for (let n = 0; n < HALVINGS; n++) {
    const middle = Math.sqrt(low * high)
    if (rises(middle)) low = middle
    else high = middle
  }
  const best = Math.sqrt(low * high)
  // Neither the scale nor the temperature may run away from 1: the larger of them is drawn to it.
  const scale = best < 1 ? 1 + (best - 1) * belief : 1 / (1 + (1 / best - 1) * belief)
  let sum = 0
  for (let b = 0; b < B; b++) sum += weights?.[b] ?? 1
  const wanted = memory.put(labels)
  const shares = memory.put(Float32Array.from({ length: B }, (_, b) => (weights?.[b] ?? 1) / sum))
  memory.f32(z, B * D).set(logits.map((v) => scale * v))
  const loss = kernels.crossEntropyLabels(z, wanted, shares, B, D)
  memory.release(mark)
  return { scale, loss }
}

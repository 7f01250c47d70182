// Ensembles of outputs that were kept, without the students they came from: what comparisons of rules need.

import { combine, type Rule } from '../fusion/ensemble.ts'
import { metaLearner, runMeta } from '../fusion/stacking.ts'
import type { TrainKernels } from '../wasm/kernels.ts'
import type { Pointer } from '../wasm/memory.ts'
import type { Random } from '../wasm/random.ts'
import type { Session } from '../wasm/session.ts'
import { type EnsembleSpec, type Judged, part, weigh } from './ensembling.ts'
import { fitMeta, type MetaRows, type StackingSpec } from './stacking.ts'

/**
 * What every rule (but stacking, see `stackOutputs`) makes of a cohort that sees every row: probabilities (shares of the votes of
 * a vote) or values, (rows, D). Students whose validation loss is not finite have no say.
 * @param validation outputs on validation rows, by which students are weighed, and the truth
 * @param test outputs (M, rows, D) on the rows to predict
 */
export function combineOutputs(
  session: Session<TrainKernels>,
  { validation, test }: { readonly validation: Judged; readonly test: Float32Array },
  spec: EnsembleSpec,
  random: Random,
): Map<Rule, Float32Array> {
  const { students, target, width } = validation
  const rows = Array.from({ length: validation.outputs.length / students / width }, (_, row) => row)
  const size = test.length / students
  const members = Array.from({ length: students }, (_, i) => i).filter((i) =>
    [validation.outputs, test].every((o) =>
      o.subarray((i * o.length) / students, ((i + 1) * o.length) / students).every(Number.isFinite),
    ),
  )
  const rules = spec.rules.filter((rule) => rule !== 'stacking')
  const { weights } = weigh(session, part(validation, members, rows), { ...spec, rules }, random)
  const kind = { task: target instanceof Int32Array ? 'classification' : 'regression', average: spec.average } as const
  const said = new Float32Array(members.length * size)
  members.forEach((i, k) => {
    said.set(test.subarray(i * size, (i + 1) * size), k * size)
  })
  const predicted = ([rule, mine]: [Rule, Float32Array]): [Rule, Float32Array] => [
    rule,
    inMemory(session, said, size, (out, at) => combine(session, out, at, mine, rule, kind, size / width, width)),
  ]
  return new Map([...weights].map(predicted))
}

/**
 * What stacking makes of a cohort that sees every row: probabilities or values, (rows, D).
 * @param fit outputs that the meta learner is fitted on and the truth, `choose` those that its epoch is chosen by; without, by folds
 * @param test outputs (M, rows, D) on the rows to predict
 */
export function stackOutputs(
  session: Session<TrainKernels>,
  { fit, choose, test }: MetaRows & { readonly test: Float32Array },
  spec: Pick<StackingSpec, 'epochs' | 'rate' | 'decay' | 'folds'> & { readonly batch: number },
  random: Random,
): Float32Array {
  const { memory, kernels } = session
  const { students, target, width } = fit
  const work = fitMeta(session, { fit, choose }, spec, random)
  let turn = work.next()
  while (!turn.done) turn = work.next()
  const block = turn.value
  const everyone = Array.from({ length: students }, (_, i) => i)
  const B = test.length / students / width
  return inMemory(session, test, B * width, (out, said) => {
    runMeta(session, out, said, everyone, metaLearner(students, width), memory.put(block), B)
    if (target instanceof Int32Array) kernels.softmax(out, out, B, width)
  })
}

/** The `size` numbers that a piece of work makes of some others. */
function inMemory(
  { memory }: Session<TrainKernels>,
  values: Float32Array,
  size: number,
  work: (out: Pointer, at: Pointer) => void,
): Float32Array {
  const mark = memory.mark()
  const at = memory.put(values)
  const out = memory.alloc(4 * size)
  work(out, at)
  const result = memory.f32(out, size).slice()
  memory.release(mark)
  return result
}

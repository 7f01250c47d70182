// Ensembles of outputs that were recorded or made up, weighed and combined as those of a model are.

import { combine, type Rule } from '../../src/fusion/ensemble.ts'
import { type EnsembleSpec, type Judged, part, weigh } from '../../src/train/ensembling.ts'
import type { TrainKernels } from '../../src/wasm/kernels.ts'
import type { Random } from '../../src/wasm/random.ts'
import type { Session } from '../../src/wasm/session.ts'

/**
 * What every rule but stacking makes of a cohort that sees every row: probabilities (shares of the votes of
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
  const { memory } = session
  const predicted = ([rule, mine]: [Rule, Float32Array]): [Rule, Float32Array] => {
    const mark = memory.mark()
    const said = memory.alloc(4 * members.length * size)
    members.forEach((i, k) => {
      memory.f32(said + 4 * k * size, size).set(test.subarray(i * size, (i + 1) * size))
    })
    const out = memory.alloc(4 * size)
    combine(session, out, said, [mine], rule, kind, size / width, width)
    const result = memory.f32(out, size).slice()
    memory.release(mark)
    return [rule, result]
  }
  return new Map([...weights].map(predicted))
}

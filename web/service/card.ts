import { builtRules } from '../../src/fusion/ensemble.ts'
import { doubtOf, type Model, ownRule, patternWeights } from '../../src/fusion/model.ts'
import { outcomeOf } from './answer.ts'

/** What the service takes at once. */
export interface Limits {
  readonly bodyBytes: number
  readonly rows: number
}

/** What the model is, what it must be given and what it says: the answer of /v1/model. */
export function cardOf(model: Model, limits: Limits, media: readonly string[]) {
  const { preparations, students, target, ensembles, provenance } = model
  const { title, library, seed, numerics, digest, rho, split, notes } = provenance
  const weights = patternWeights(model, ownRule(model))('1'.repeat(preparations.length))
  return {
    title,
    task: target.task,
    ...outcomeOf(model),
    modalities: preparations.map(({ modality: name, columns }) => ({ name, features: columns })),
    rules: builtRules(ensembles),
    rule: ownRule(model),
    doubt: doubtOf(model, ownRule(model))?.chance ?? 0,
    students: students.map(({ name, loss, teacher }, i) => ({
      name,
      validationLoss: Number.isFinite(loss) ? loss : null,
      teacher: teacher > 0,
      weight: weights?.[i] ?? 0,
    })),
    provenance: {
      library,
      seed,
      numerics: numerics ?? 'exact',
      data: digest,
      rho,
      rows: { train: split.train, validation: split.validation, test: split.test },
      notes,
    },
    limits,
    media,
    example: exampleOf(model),
  }
}

export type Card = ReturnType<typeof cardOf>

/** A request that the model can answer: a subject like the middle of the training rows, with the first few features of each modality. */
function exampleOf({ preparations }: Model) {
  const modalities = preparations.map(({ modality, columns }) => {
    const cells = columns.slice(0, 6).map((column) => {
      return [
        column.name,
        column.kind === 'number' ? Number((column.unskew?.centre ?? column.mean).toPrecision(3)) : (column.levels[0] ?? null),
      ] as const
    })
    return [modality, Object.fromEntries(cells)] as const
  })
  return { rows: [{ id: 'p1', modalities: Object.fromEntries(modalities) }] }
}

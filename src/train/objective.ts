// What students are trained to lower. A method differs from another in its objective alone: forward pass, backward pass, optimizer
// and checkpoints are the same for all. Here is the plainest; `sharing.ts` has mutual learning, `baselines/` the rivals'.

/** Losses of every student, means over the rows it saw. */
export interface Losses {
  /** What it is judged by: checkpoints are chosen by it, on validation rows. */
  readonly task: Float64Array
  /** What it is trained to lower. */
  readonly total: Float64Array
}

/**
 * Called once per batch in this order, when all students' outputs on its B rows lie in the plan. Nobody's outputs change before
 * `finish`, so students can be looked at together and the order of their steps does not matter.
 */
export interface Objective {
  /** Works out what the others need. @param rows those of the batch, of training or of validation */
  readonly look?: (rows: Int32Array) => void
  /** The loss student i is judged by; its own task loss when left out. */
  readonly judged?: (i: number, B: number) => number
  /** The loss student i lowers, given the one it is judged by; the same when left out. */
  readonly trained?: (i: number, B: number, judged: number) => number
  /** Adds the gradient of student i's loss to the plan's dOut (B, outputs). */
  readonly gradient: (i: number, B: number) => void
  /** After the steps of all students, in training only. */
  readonly finish?: (B: number) => void
}

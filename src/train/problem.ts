import type { Solver, Source, Student } from '../fusion/student.ts'
import type { TrainKernels } from '../wasm/kernels.ts'
import type { Pointer } from '../wasm/memory.ts'
import type { Session } from '../wasm/session.ts'
import type { Dropout } from './dropout.ts'
import type { ModalityDropout } from './modality-dropout.ts'

/** Targets of all rows in memory: labels (rows) i32, or values (rows, outputs) f32. */
export interface TargetRows {
  readonly task: 'classification' | 'regression'
  readonly at: Pointer
  readonly outputs: number
  /** What each row counts in the task loss, above 0; 1 when left out. */
  readonly weights?: Float64Array
  /** Label smoothing: the share of a row's target that is spread over all classes, in training. 0 when left out. */
  readonly smoothing?: number
}

/**
 * What a cohort is trained on: rows of all splits in session memory, and which of them are for what.
 * `sees[i][row]` is 1 where student i has every modality it needs.
 */
export interface Problem {
  readonly session: Session<TrainKernels>
  readonly students: readonly Student[]
  readonly sees: readonly Uint8Array[]
  readonly sources: ReadonlyMap<string, Source>
  readonly target: TargetRows
  readonly train: Int32Array
  readonly validation: Int32Array
  /** None when left out. */
  readonly dropout?: Dropout
  /** Modalities that rows lose in training; none when left out. */
  readonly losing?: ModalityDropout
  /** How students are solved that are not trained (`solve.ts`), undefined for those that are; none when left out. */
  readonly solved?: readonly (Solver | undefined)[]
  /** Parts of the training rows for cross-fitting (`cross-fit.ts`), of every repeat all, where there are no validation rows of their own. */
  readonly folds?: readonly Int32Array[]
}

/** Fewer validation rows than this cannot tell students apart. */
export const ENOUGH_ROWS = 10

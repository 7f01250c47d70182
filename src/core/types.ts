/** What a long run is doing. Counts are done and to be done of the whole run, in optimizer steps of one student. */
export interface Progress {
  readonly stage: 'baselines' | 'screening' | 'sharing'
  /** The sharing strength being trained; 0 while screening and for the baselines. */
  readonly rho: number
  readonly students: number
  /** From 1. */
  readonly epoch: number
  readonly epochs: number
  readonly done: number
  readonly total: number
}

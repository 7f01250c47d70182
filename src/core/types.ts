/** What a long run is doing. Counts are done and to be done of the whole run, in optimizer steps of one student. */
export interface Progress {
  readonly stage: 'preparing' | 'screening' | 'sharing' | 'combining' | 'baselines' | 'scoring'
  /** The strength ρ being trained, of sharing or of a baseline; 0 where there is none. */
  readonly rho: number
  readonly students: number
  /** From 1 while training; 0 otherwise. */
  readonly epoch: number
  readonly epochs: number
  readonly done: number
  readonly total: number
}

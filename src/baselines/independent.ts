import { type Baseline, cohortRivals, inRoom } from './rival.ts'

/** The cohort at ρ = 0 with ensembles of its own: Meta Fusion without sharing. It is what screening left, so it costs no training. */
export const independent: Baseline = {
  usual: true,
  trains: () => [],
  train: (arena) => inRoom(arena, arena.cohort, (group) => cohortRivals(arena, 'independent', group, arena.screened)),
}

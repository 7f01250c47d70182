/** Runs a piece of long work to its end, and counts its pauses. */
export function countPauses<Result>(work: Generator<unknown, Result>): { result: Result; pauses: number } {
  let pauses = 0
  let turn = work.next()
  for (; !turn.done; turn = work.next()) pauses++
  return { result: turn.value, pauses }
}

/** Runs a piece of long work to its end. */
export const finish = <Result>(work: Generator<unknown, Result>): Result => countPauses(work).result

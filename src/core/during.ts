/** Runs a piece of work to its end, saying something of its own wherever the work pauses. */
export function* during<Step, Said, Result>(work: Generator<Step, Result>, say: (step: Step) => Said): Generator<Said, Result> {
  let turn = work.next()
  for (; !turn.done; turn = work.next()) yield say(turn.value)
  return turn.value
}

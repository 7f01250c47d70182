// A worker for tests: it counts how often it was made and each job begun, and dies, fails, works for ever or answers as it is told.

import { serve } from '../../../dist/node/pool/serve.js'

serve(async ({ made, begun, beats }) => {
  Atomics.add(made, 0, 1)
  return function* ({ at, dies = 0, fails, endless, uncaught }) {
    const before = Atomics.add(begun, at, 1)
    yield { begun: before }
    if (before < dies) process.exit(7)
    if (fails) throw new RangeError(fails)
    const thrown = () => {
      throw new TypeError(uncaught)
    }
    if (uncaught) setTimeout(thrown)
    while (uncaught) yield { begun: before }
    while (endless) Atomics.add(beats, 0, 1)
    yield { begun: before, half: true }
    return { twice: 2 * at, before }
  }
})

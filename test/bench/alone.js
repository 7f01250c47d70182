// Trains what it is asked for and answers with the seconds: a process of its own for `suites/pool.js`.

import { trainingOf } from './simulation.js'

process.on('message', async (/** @type {any} */ asked) => {
  const before = performance.now()
  await trainingOf(asked)
  process.send((performance.now() - before) / 1000)
})

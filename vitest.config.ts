import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 120_000,
    // Whole trainings share two cores with each other; more workers than that only makes timeouts.
    maxWorkers: 2,
  },
})

import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    // Everything by the kernels with the same bits everywhere; those of relaxed SIMD do what the kernels' tests say, too.
    projects: [
      { extends: true, test: { name: 'exact', include: ['test/**/*.test.ts'], exclude: ['test/hosts/**'] } },
      { extends: true, test: { name: 'fast', include: ['test/kernels/*.test.ts'], env: { METAFUSION_NUMERICS: 'fast' } } },
    ],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Whole trainings share two cores with each other; more workers than that only makes timeouts.
    maxWorkers: 2,
  },
})

import { defineConfig } from 'vitest/config'

// Hosts and bundlers, apart from the library's own tests: they need test/hosts/node_modules, and minutes.
export default defineConfig({
  test: {
    root: new URL('./', import.meta.url).pathname,
    include: ['*.test.{ts,js}'],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    maxWorkers: 1,
    disableConsoleIntercept: true,
  },
})

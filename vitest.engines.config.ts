import { defineConfig } from 'vitest/config'

/** Tests against real engines and clients from elsewhere, which the tests install; apart from `npm test`. */
export default defineConfig({
  test: {
    include: ['test/engines/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 120_000,
    hookTimeout: 300_000,
  },
})

/**
 * How the tests run: each file in a process of its own (worker threads, source maps and exit handlers are part of what is
 * tested), at most two at a time, `headrace` being this checkout's sources.
 */
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const root = fileURLToPath(new URL('..', import.meta.url))

export default defineConfig({
  root,
  resolve: {
    alias: [
      { find: /^headrace$/, replacement: `${root}src/index.ts` },
      { find: /^headrace\/testing$/, replacement: `${root}src/front/testing/harness.ts` },
    ],
  },
  test: {
    include: ['test/**/*.test.ts', 'native-free-bench/**/*.test.ts', 'examples/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'native-free-bench/peers/**'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    typecheck: { enabled: false },
  },
})

import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/setup.ts'],
    // Most of what a test does is waiting for programs that it started.
    maxWorkers: 2,
    disableConsoleIntercept: true,
    // For a test that hangs, not for one that is slow: how long a test takes says more of the machine than of us.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    env: { NO_COLOR: '1', FORCE_COLOR: '0' },
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts', 'commands/**/*.ts'],
      reporter: ['text-summary', 'html'],
    },
  },
});

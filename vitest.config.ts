import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/setup.ts'],
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

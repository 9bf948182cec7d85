import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/setup.ts'],
    disableConsoleIntercept: true,
    testTimeout: 30_000,
    env: { NO_COLOR: '1', FORCE_COLOR: '0' },
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts', 'commands/**/*.ts'],
      reporter: ['text-summary', 'html'],
    },
  },
});

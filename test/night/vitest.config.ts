import { defineConfig, mergeConfig } from 'vitest/config';
import common from '../../vitest.config.ts';

/** What takes too long for every change: an hour at the most. */
const HOUR_MS = 3_600_000;

export default mergeConfig(
  { ...common, test: { ...common.test, include: [] } },
  defineConfig({ test: { include: ['test/night/*.night.ts'], testTimeout: HOUR_MS, hookTimeout: HOUR_MS } }),
);

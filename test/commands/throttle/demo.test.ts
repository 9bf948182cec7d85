import { expect, test } from 'vitest';
import type { DemoResult } from '../../../src/schema/demo.ts';
import { documents } from '../../../src/schema/documents.ts';
import { runBuilt } from '../../helpers/run.ts';

test('the demonstration shows request 21, the others, the quota afterwards and a recommendation', async () => {
  const ran = await runBuilt(['demo', 'throttle', '--json']);
  expect(ran).toMatchObject({ exit: 0, stderr: '' });
  const { stories } = documents['postern/demo/1'].parse(JSON.parse(ran.stdout)) as unknown as DemoResult;
  expect(stories).toMatchObject([
    {
      story: 'throttle',
      firstRefused: 21,
      status: 429,
      retryAfterSeconds: 10,
      otherClient: 200,
      otherSite: 200,
      servedAfter: 20,
      simulation: { preset: '500/20M' },
    },
  ]);
});

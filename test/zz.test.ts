import { test } from 'vitest';
import { HOSTILE, hostileCalls } from './helpers/hostile-world.ts';
import { run } from './helpers/run.ts';

test('x', async () => {
  for (const [id, argv] of await hostileCalls(HOSTILE[0] ?? '')) {
    if (
      !/throttle (explain|blocks|top)|mediator (audit|diff|approve)|browser (diag|backup)|validation import|login/.test(
        id,
      )
    )
      continue;
    const ran = await run(id, argv);
    process.stderr.write(`--- ${id}\n${ran.stdout}${ran.stderr}\n`);
  }
});

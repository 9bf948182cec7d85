import { randomUUID } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { HOSTILE, hostileCalls, MARK } from '../helpers/hostile-world.ts';
import { OBEYED, READERS, type Written } from '../helpers/readers.ts';
import { commandIds, formatsOf, run } from '../helpers/run.ts';

// What others wrote, in each format of each command that shows it, in front of a reader of that format.

/** These are brought such text and leave it out, or refuse its file without a word of it. */
const SILENT = [
  'browser backup list',
  'doctor',
  'mediator approve',
  'mediator audit',
  'mediator diff',
  'throttle status',
  'throttle top',
  'validation import',
  'validation key list',
];

describe.for(HOSTILE.map((text) => [JSON.stringify(text).slice(0, 16), text] as const))(
  'a text that begins with %s',
  ([, text]) => {
    test('is shown by every command, obeyed by nobody, and breaks no format', async (context) => {
      const shown = new Set<string>();
      const written = new Map<keyof typeof READERS, Written[]>();
      const calls = await hostileCalls(text);
      for (const [id, argv] of calls) {
        const by = `${id} ${argv.join(' ')}`;
        for (const format of await formatsOf(id)) {
          const { stdout, stderr, exit } = await run(id, [...argv, '--format', format]);
          expect.soft(`${stdout}${stderr}`, `${by} ${format}`).not.toMatch(OBEYED);
          expect.soft(exit, `${by} ${format} ${stderr}`).not.toBe(70);
          if (`${stdout}${stderr}`.includes(MARK)) shown.add(`${id} ${format}`);
          if (stdout === '' || exit === null || exit > 3) continue;
          written.set(format, [...(written.get(format) ?? []), { by, text: stdout }]);
        }
      }
      for (const [id] of calls)
        for (const view of SILENT.includes(id) ? [] : ['text', 'json'])
          expect(shown).toContain(`${id} ${view}`);
      for (const [format, all] of written) READERS[format](context, all);
    });
  },
);

const folder = mkdtempSync(join(tmpdir(), 'postern-hostile-'));
afterEach(() => vi.unstubAllEnvs());

test.for(commandIds)('%s shows a hostile argument without obeying it', async (id) => {
  for (const text of HOSTILE)
    for (const more of [[], ['--json']]) {
      // Such a label is taken: the key of that client is not to lie in the checkout.
      vi.stubEnv('POSTERN_WRITE_KEY', join(folder, randomUUID()));
      const { stdout, stderr, exit } = await run(id, [...more, '--', text]);
      expect(`${stdout}${stderr}`).not.toMatch(OBEYED);
      expect(exit, stderr).not.toBe(70);
    }
});

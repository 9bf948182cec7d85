import { expect, test } from 'vitest';
import { nginxFiles } from '../../../src/throttle/nginx/maps.ts';
import { openSqliteStore } from '../../../src/throttle/sqlite-store.ts';
import { Warden } from '../../../src/throttle/warden.ts';

// Hosts of which all clients wait: the rest of the world is whatever is not listed.

const NOW_MS = 1_800_000_000_000;
const REQUEST = { method: 'GET', path: '/', userAgent: '' };

async function shed(over: readonly string[]): Promise<string | undefined> {
  const store = await openSqliteStore(':memory:');
  const warden = new Warden({ store, now: () => NOW_MS, seed: 1, onEvent: () => undefined });
  const { other } = warden.sites;
  const budget = { requests: 1, bytes: 1000 };
  warden.saveSite({ ...other, budget }, 'site changed', '');
  warden.saveSite(
    { ...other, number: 1, name: 'a.example', aliases: ['www.a.example'], budget },
    'site added',
    '',
  );
  warden.saveSite({ ...other, number: 2, name: 'b.example' }, 'site added', '');
  for (const host of over) warden.noteServed(host, '192.0.2.1', 10, REQUEST);
  return nginxFiles(warden).get('shed.map');
}

const UNTIL = '"Fri, 15 Jan 2027 08:10:00 GMT";\n';

test.for([
  ['nobody is over', [], ''],
  ['a site is over, by each of its names', ['a.example'], `"a.example" ${UNTIL}"www.a.example" ${UNTIL}`],
  [
    'the rest of the world is over, and sites with a name are not',
    ['unknown.example'],
    `default ${UNTIL}"a.example" "";\n"www.a.example" "";\n"b.example" "";\n`,
  ],
  ['both are over', ['unknown.example', 'a.example'], `default ${UNTIL}"b.example" "";\n`],
] as const)('%s', async ([, over, expected]) => {
  expect(await shed(over)).toBe(expected);
});

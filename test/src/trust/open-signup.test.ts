import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openKnowledge } from '../../../src/cli/trust-sources.ts';
import {
  findName,
  namesOf,
  openNameFile,
  readNameFile,
  writeNameFile,
} from '../../../src/trust/name-file.ts';
import { openSignup } from '../../../src/trust/open-signup.ts';
import { NO_OVERRIDES } from '../../../src/trust/overrides.ts';
import { root } from '../../helpers/run.ts';

const bytes = readFileSync(join(root, 'data', 'open-signup.txt'));
const shipped = await openKnowledge(undefined, root);

test.for([
  ['yahoo.com', 'yahoo.com'],
  ['gmail.com', 'gmail.com'],
  ['fastmail.com', 'fastmail.com'],
  ['outlook.com', 'outlook.com'],
  ['proton.me', 'proton.me'],
  ['gmx.de', 'gmx.de'],
  ['mailinator.com', 'mailinator.com'],
  ['mail.yahoo.com', 'yahoo.com'],
  ['contoso.onmicrosoft.com', 'onmicrosoft.com'],
  ['facebook.com', null],
  ['example.com', null],
  ['notyahoo.com', null],
  ['yahoo.com.attack.example', null],
  ['com', null],
] as const)('%s is known as %s', ([domain, listed]) => {
  expect(shipped.openSignup.find(domain)?.domain ?? null).toBe(listed);
});

test('what ships is dated, sourced, sorted, canonical, and each of its names is found', () => {
  const file = readNameFile(bytes);
  const names = [...namesOf(file)];
  expect(names.length).toBeGreaterThan(120_000);
  expect(names.filter(({ name, origin }) => findName(file, name) !== origin)).toEqual([]);
  const sources = new Set(names.map(({ origin: { source, date } }) => `${source} ${date}`));
  expect([...sources].join(', ')).toMatch(/curated 2026-\d\d-\d\d/);
});

test.for([
  ['yahoo.com', 'free-mail', /^(?:spamassassin|email-providers)$/],
  ['fastmail.com', 'free-mail', /^curated$/],
  ['mailinator.com', 'disposable', /^(?:spamassassin|disposable-email-domains)$/],
] as const)('of %s is told where that is known from, and since when', ([domain, , source]) => {
  const match = shipped.openSignup.find(`mail.${domain}`);
  expect(match).toMatchObject({
    domain,
    source: expect.stringMatching(source),
    date: expect.stringMatching(/^\d{4}-/),
  });
});

const ORIGIN = { kind: 'free-mail', date: '2026-11-25', source: 'desk', note: '' } as const;

test('a mediator adds names to what ships; it takes none away', () => {
  const file = openNameFile(writeNameFile([{ name: 'new.example', origin: ORIGIN }]));
  const list = openSignup(
    [
      { mediator: null, file: openNameFile(bytes) },
      { mediator: 'mediator.example', file },
    ],
    NO_OVERRIDES,
  );
  expect(list.find('a.new.example')).toEqual({
    domain: 'new.example',
    kind: 'free-mail',
    source: 'mediator.example',
    date: '2026-11-25',
  });
  expect(list.find('yahoo.com')?.source).not.toBe('mediator.example');
});

const HEAD = '# open-signup/1\n# a free-mail 2026-11-25 desk\n';
test.for([
  ['unsorted', `${HEAD}b.example a\na.example a\n`, 'line 4: is not sorted'],
  ['twice', `${HEAD}a.example a\na.example a\n`, 'line 4: is not sorted'],
  ['without origin', `${HEAD}a.example b\n`, 'line 3: has no origin'],
  ['a public suffix', `${HEAD}co.uk a\n`, 'line 3: is a public suffix'],
  ['a top-level domain', `${HEAD}com a\n`, 'line 3: is a public suffix'],
  ['in capitals', `${HEAD}A.example a\n`, "is to be written 'a.example'"],
  ['with a control', `${HEAD}a\u001b.example a\n`, 'line 3'],
  ['cut short', `${HEAD}a.example a`, 'line 3: does not end'],
  ['of another format', '# open-signup/2\n', 'line 1'],
  ['an origin twice', `${HEAD}# a disposable 2026-11-25 x\n`, 'line 3'],
  ['empty', '', 'line 1'],
] as const)('a file that is %s is refused', ([, text, reason]) => {
  expect(() => readNameFile(Buffer.from(text))).toThrow(reason);
});

test('names are found wherever they stand, whatever stands beside them', () => {
  const names = fc.uniqueArray(fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,6}\.(?:example|x-1\.example)$/), {
    minLength: 1,
  });
  fc.assert(
    fc.property(names, fc.stringMatching(/^[a-z0-9-]{1,7}\.example$/), (all, other) => {
      const file = openNameFile(writeNameFile(all.map((name) => ({ name, origin: ORIGIN }))));
      expect(all.every((name) => findName(file, name)?.source === 'desk')).toBe(true);
      expect(findName(file, other) !== null).toBe(all.includes(other));
    }),
  );
});

test('names can be added locally', () => {
  const list = openSignup([], { ...NO_OVERRIDES, openSignup: { add: ['club.example'], remove: [] } });
  expect(list.find('mail.club.example')).toEqual({
    domain: 'club.example',
    kind: 'free-mail',
    source: 'local',
    date: null,
  });
});

test.for(['email-providers', 'disposable-email-domains'])(
  '%s is read from the release that is installed',
  (name) => {
    const { version } = JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8'));
    const origins = [...openNameFile(bytes).origins.values()].filter(({ source }) => source === name);
    expect(origins.map(({ note }) => note.split(' ')[0])).toEqual(origins.map(() => version));
    expect(origins.length).toBeGreaterThan(0);
  },
);

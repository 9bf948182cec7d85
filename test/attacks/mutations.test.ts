import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ATTACKER, BANK, byBank, delivered, FROM_BANK, judge, letter } from '../helpers/attack-world.ts';

// Genuine messages that somebody changed on the way, at random: whatever still comes out trusted has to show a
// reader exactly what the bank signed.

const SHOWN = new Set([
  'from',
  'sender',
  'reply-to',
  'to',
  'cc',
  'subject',
  'date',
  'mime-version',
  'content-type',
  'content-transfer-encoding',
]);

/** The most generous reader there is: any line end, any white space, every field of a name. */
function shown(message: Buffer): { readonly fields: readonly string[]; readonly body: string } {
  const lines = message.toString('latin1').split(/\r\n|\n|\r/);
  const end = lines.indexOf('');
  const head = lines.slice(0, end === -1 ? lines.length : end).join('\n');
  const fields = head
    .replaceAll(/\n[ \t]+/g, ' ')
    .split('\n')
    .flatMap((line) => {
      const [, name = '', value = ''] = /^[\s\0]*([^:]*?)[\s\0]*:(.*)$/s.exec(line) ?? [];
      return SHOWN.has(name.toLowerCase()) ? [`${name.toLowerCase()}:${blanks(value)}`] : [];
    });
  return { fields: fields.sort(), body: blanks(end === -1 ? '' : lines.slice(end).join(' ')) };
}

function blanks(text: string): string {
  return text.replaceAll(/[ \t]+/g, ' ').trim();
}

/** Some that sign everything once more than it stands there, some that sign what stands there, some simple. */
const ORIGINALS = [
  byBank(letter()),
  byBank(letter(), { names: ['from', 'to', 'subject', 'date', 'mime-version', 'content-type'] }),
  byBank(letter(), { canonicalization: ['simple', 'simple'] }),
  byBank(letter({ 'Reply-To': ` a@${BANK}`, Sender: ` b@${BANK}` }, 'One.\r\n\r\nTwo.\r\n')),
].map((message) => delivered(message, FROM_BANK));

const LINES = [
  `From: x@${ATTACKER}`,
  `From : x@${BANK}`,
  `from: Example Bank <service@${BANK}>`,
  ` From: x@${ATTACKER}`,
  'Subject: Your account is locked',
  'Subject : Your account is locked',
  `Reply-To: x@${ATTACKER}`,
  `Sender: x@${ATTACKER}`,
  'To: victim@home.example',
  'Cc: victim@home.example',
  'Date: Thu, 26 Nov 2026 11:59:00 +0000',
  'Content-Type: text/html',
  'Content-Transfer-Encoding: base64',
  'MIME-Version: 2.0',
  'X-Note: hello',
  'List-Id: <list.home.example>',
  ' folded',
  'no field at all',
  '',
];

const BYTES = ['\0', '\r', '\n', '\r\n', ' ', '\t', ':', 'x', '\u00ff', '\r\n ', '\r\n\r\n'];

type Mutation =
  | { readonly kind: 'line'; readonly at: number; readonly line: string }
  | { readonly kind: 'byte'; readonly at: number; readonly byte: string }
  | { readonly kind: 'drop' | 'twice' | 'swap'; readonly at: number };

const at = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.record({ kind: fc.constant('line' as const), at, line: fc.constantFrom(...LINES) }),
  fc.record({ kind: fc.constant('byte' as const), at, byte: fc.constantFrom(...BYTES) }),
  fc.record({ kind: fc.constantFrom('drop' as const, 'twice' as const, 'swap' as const), at }),
);

function mutate(message: string, change: Mutation): string {
  if (change.kind === 'byte') {
    const place = Math.floor(change.at * message.length);
    return message.slice(0, place) + change.byte + message.slice(place);
  }
  const lines = message.split('\r\n');
  const place = Math.floor(change.at * lines.length);
  const [line = '', next = ''] = lines.slice(place, place + 2);
  const instead = {
    line: change.kind === 'line' ? [change.line, line] : [],
    drop: [],
    twice: [line, line],
    swap: [next, line],
  }[change.kind];
  lines.splice(place, change.kind === 'swap' ? 2 : 1, ...instead);
  return lines.join('\r\n');
}

test('what comes out trusted shows what was signed', async () => {
  let trusted = 0;
  const chosen = fc.tuple(
    fc.nat({ max: ORIGINALS.length - 1 }),
    fc.array(mutation, { minLength: 1, maxLength: 3 }),
  );
  await fc.assert(
    fc.asyncProperty(chosen, async ([which, changes]) => {
      const original = ORIGINALS[which] ?? Buffer.alloc(0);
      const message = Buffer.from(changes.reduce(mutate, original.toString('latin1')), 'latin1');
      const { verdict } = await judge(message);
      if (verdict !== 'trusted') return;
      trusted += 1;
      expect(shown(message)).toEqual(shown(original));
    }),
    { numRuns: 1500 },
  );
  // Changes that do no harm are not what makes it hold.
  expect(trusted).toBeGreaterThan(20);
});

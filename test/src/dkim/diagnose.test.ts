import { expect, test } from 'vitest';
import { byBank, judge, letter, onTop, replaced } from '../../helpers/attack-world.ts';

const diagnosis = async (bytes: Buffer) => (await judge(bytes)).dkim.signatures[0]?.diagnosis ?? null;

const signed = byBank(letter());
const simple = byBank(letter({ Subject: ' Your\r\n  long statement' }), {
  canonicalization: ['simple', 'simple'],
});
const added = (text: string) => Buffer.concat([signed, Buffer.from(text)]);

const text = (bytes: Buffer) => bytes.toString('latin1');
const encoded = (encoding: string, body: string) => {
  const bytes = byBank(letter({ 'Content-Transfer-Encoding': ' 8bit' }, 'Grüße\r\n'));
  return Buffer.from(
    text(bytes)
      .replace(': 8bit', `: ${encoding}`)
      .replace(/\r\n\r\n[\s\S]*$/, `\r\n\r\n${body}`),
    'latin1',
  );
};

test.for([
  ['a list’s footer', added('-- \r\nBank announcements\r\nhttps://list.example/\r\n'), 'footer'],
  ['a banner', replaced(signed, '\r\n\r\n', '\r\n\r\nCAUTION: external\r\n\r\n'), 'banner'],
  ['a list’s tag', replaced(signed, 'Subject: ', 'Subject: [announce] '), 'subject-tag'],
  ['a filter’s tag', replaced(signed, 'Subject: ', 'Subject: ***SPAM*** '), 'subject-tag'],
  [
    'tag and footer',
    replaced(added('_____\r\nlist\r\n'), 'Subject: ', 'Subject: [x] '),
    'footer+subject-tag',
  ],
  ['a Reply-To of the list', onTop('Reply-To: list@list.example\r\n', signed), 'added-reply-to'],
  ['folds', replaced(simple, 'Your\r\n  long', 'Your  long'), null],
  [
    'a mailbox’s quoting',
    replaced(byBank(letter({}, 'From here on\r\n')), '\r\nFrom here', '\r\n>From here'),
    'from-quoting',
  ],
  [
    'dots doubled',
    replaced(byBank(letter({}, '.hidden\r\n')), '\r\n.hidden', '\r\n..hidden'),
    'dot-stuffing',
  ],
  [
    'From rewritten',
    replaced(
      signed,
      'From: Example Bank <service@bank.example>',
      'X-Original-From: Example Bank <service@bank.example>\r\nFrom: Bank via list <list@bank.example>',
    ),
    'from-rewritten',
  ],
  [
    'quoted-printable',
    encoded('quoted-printable', 'Gr=C3=BC=C3=9Fe\r\n'),
    'encoding-quoted-printable+encoding',
  ],
  ['base64', encoded('base64', 'R3LDvMOfZQ0K\r\n'), 'encoding-base64+encoding'],
  ['another text', replaced(signed, 'ready', 'payable'), null],
  ['another sender', replaced(signed, 'To: you', 'To: all'), null],
] as const)('%s', async ([, bytes, change]) => {
  expect((await diagnosis(bytes))?.change ?? null).toBe(change);
});

test('a signature that was folded anew under simple', async () => {
  const unfolded = byBank(letter({ Subject: ' Your long statement' }), {
    canonicalization: ['simple', 'relaxed'],
  });
  const folded = replaced(unfolded, 'Subject: Your long', 'Subject: Your\r\n long');
  expect(await diagnosis(folded)).toMatchObject({ change: 're-folding' });
});

test('without a key the body alone is explained', async () => {
  const bytes = byBank(letter(), { selector: 'nothing' });
  const { dkim } = await judge(Buffer.concat([bytes, Buffer.from('footer\r\n')]));
  expect(dkim.signatures[0]).toMatchObject({
    cause: 'body-hash',
    disqualifiedBy: expect.arrayContaining(['dkim.fail', 'dkim.no-key']),
    diagnosis: { change: 'footer' },
  });
});

test('what verifies needs no explanation', async () => {
  expect(await diagnosis(signed)).toBeNull();
});

test('a footer in front of thousands of lines is found, and more than that is not looked for', async () => {
  const lines = 'a line of text\r\n';
  expect(await diagnosis(added(lines.repeat(400)))).toMatchObject({ change: 'footer' });
  expect(await diagnosis(added(lines.repeat(401)))).toBeNull();
});

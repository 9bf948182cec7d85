import { expect, test } from 'vitest';
import { signMessage } from '../../src/lab/dkim-signer.ts';
import {
  ATTACKER,
  BANK,
  byAttacker,
  byBank,
  delivered,
  FROM_ATTACKER,
  FROM_BANK,
  GROUP,
  judge,
  keys,
  letter,
  onTop,
} from '../helpers/attack-world.ts';

// What has to come out trusted: a rule that turns everything away would stop every attack as well.

const byGroup = (from: string) =>
  signMessage(letter({ From: from }), { domain: GROUP, selector: 's1', key: keys.group });

test.for([
  ['as the bank sends it', byBank(letter()), FROM_BANK, 'Example Bank'],
  [
    'signed simple and simple',
    byBank(letter(), { canonicalization: ['simple', 'simple'] }),
    FROM_BANK,
    'Example Bank',
  ],
  [
    'signed with Ed25519',
    byBank(letter(), { selector: 'e1', key: keys.bankEd25519 }),
    FROM_BANK,
    'Example Bank',
  ],
  [
    'signed with an l= that covers the whole body',
    byBank(letter(), { tags: { l: '26' } }),
    FROM_BANK,
    'Example Bank',
  ],
  [
    'signed with an identity',
    byBank(letter(), { tags: { i: `service@${BANK}` } }),
    FROM_BANK,
    'Example Bank',
  ],
  ['forwarded, so that SPF fails', byBank(letter()), FROM_ATTACKER, 'Example Bank'],
  ['with a second signature of a sender for hire', byAttacker(byBank(letter())), FROM_BANK, 'Example Bank'],
  ['with a signature of others below', byBank(byAttacker(letter())), FROM_BANK, 'Example Bank'],
  [
    'through a list that adds its fields',
    onTop('List-Id: <list.home.example>\r\nList-Post: <mailto:l@home.example>\r\n', byBank(letter())),
    FROM_ATTACKER,
    'Example Bank',
  ],
  ['with an empty body', byBank(letter({}, '')), FROM_BANK, 'Example Bank'],
  [
    'with a name in UTF-8',
    byBank(letter({ From: ` Beispiel-Bänk <service@${BANK}>` })),
    FROM_BANK,
    'Example Bank',
  ],
  [
    'to two people of the bank',
    byBank(letter({ From: ` a@${BANK}, b@${BANK}`, Sender: ` a@${BANK}` })),
    FROM_BANK,
    'Example Bank',
  ],
  ['of a subdomain that the entry reaches', byGroup(` Group <news@mail.${GROUP}>`), FROM_BANK, 'Grand Group'],
  ['of the domain itself', byGroup(` Group <news@${GROUP}>`), FROM_BANK, 'Grand Group'],
  [
    'with Reply-To inside the bank',
    byBank(letter({ 'Reply-To': ` answers@${BANK}` })),
    FROM_BANK,
    'Example Bank',
  ],
] as const)('a message %s is trusted', async ([, message, session, name]) => {
  for (const bytes of [delivered(message, session), asLf(delivered(message, session))]) {
    const { verdict, organization, reasons } = await judge(bytes);
    expect({ verdict, name: organization?.name, reasons: verdict === 'trusted' ? [] : reasons }).toEqual({
      verdict: 'trusted',
      name,
      reasons: [],
    });
  }
});

function asLf(message: Buffer): Buffer {
  return Buffer.from(message.toString('latin1').replaceAll('\r\n', '\n'), 'latin1');
}

test('an attacker who sends as himself is authenticated, and no more', async () => {
  const from = { From: ` Jo <jo@${ATTACKER}>` };
  expect((await judge(delivered(byAttacker(letter(from)), FROM_ATTACKER))).verdict).toBe('authenticated');
});

test('a user of a free-mail provider is that, and no more', async () => {
  const message = signMessage(letter({ From: ' Jo <jo@freemail.example>' }), {
    domain: 'freemail.example',
    selector: 's1',
    key: keys.attacker,
  });
  expect((await judge(delivered(message, FROM_ATTACKER))).verdict).toBe('open-signup');
});

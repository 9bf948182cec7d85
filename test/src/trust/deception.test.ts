import { expect, test } from 'vitest';
import { findDeceptions } from '../../../src/trust/deception.ts';
import { knowledge } from '../../../src/trust/knowledge.ts';
import { entryDocument, facts, registry } from '../../helpers/trust.ts';

const entries = [
  entryDocument({
    id: 'example-bank',
    aliases: ['EBank', 'Example Bank Group'],
    domains: [{ domain: 'example-bank.example' }, { domain: 'ebank.test' }],
  }),
  entryDocument({
    id: 'paypost',
    organization: { name: 'PayPost', legalName: 'PayPost Inc.' },
    aliases: [],
    domains: [{ domain: 'paypost.example', includeSubdomains: true }],
  }),
];
const names = knowledge({ registries: [registry(entries)] }).names();

function found(
  domain: string,
  display = '',
  changes: { replyTo?: string; replyName?: string; local?: string } = {},
) {
  const { replyTo, replyName = '', local = 'a' } = changes;
  const author = {
    ...facts(domain).author,
    mailboxes: [{ display, local, domain }],
    replyTo: replyTo === undefined ? [] : [{ display: replyName, local: 'r', domain: replyTo }],
  };
  return findDeceptions(author, names).map(
    ({ code, severity }) => `${code.replace('deception.', '')} ${severity}`,
  );
}

test.for([
  ['a listed name', 'PayPost', 'listed-name crit'],
  ['a listed name among words', 'PayPost Support Team', 'listed-name crit'],
  ['an alias', 'Customer service of EBank', 'listed-name crit'],
  ['a name of several words', 'The Example Bank', 'listed-name crit'],
  ['a name run together', 'ExampleBank', 'listed-name crit'],
  ['a name pulled apart', 'Pay Post', 'listed-name crit'],
  ['a name in Cyrillic letters', '\u0420\u0430\u0443\u0420\u043e\u0455t', 'listed-name crit'],
  ['a name with digits', 'PayP0st', 'listed-name crit'],
  ['a name with a capital I for an l', 'ExampIe Bank', 'listed-name crit'],
  ['a name with accents', 'P\u00e4yP\u00f6st', 'listed-name warn'],
  ['a name with dots below', 'P\u1ea1yPost', 'listed-name crit'],
  ['a name with a stroke through it', 'Pa\u0334yPost', 'listed-name crit'],
  ['a name in full width', '\uff30\uff41\uff59\uff30\uff4f\uff53\uff54', 'listed-name crit'],
  [
    'a name in mathematical letters',
    '\u{1d40f}\u{1d41a}\u{1d432}\u{1d40f}\u{1d428}\u{1d42c}\u{1d42d}',
    'listed-name crit',
  ],
  ['a name with zero-width characters', 'Pay\u200bPost', 'zero-width crit'],
  ['a name with bidi controls', '\u202etsoPyaP', 'bidi crit'],
  ['a name with a soft hyphen', 'Pay\u00adPost', 'listed-name crit'],
  ['a name with tag characters', 'Hello\u{e0061}', 'zero-width crit'],
  ['a listed domain', 'paypost.example', 'domain-in-name crit'],
  ['an address of another domain', 'help@paypost.example', 'address-in-name crit'],
  ['an address with a wide at sign', 'help\uff20paypost.example', 'address-in-name crit'],
  ['an address in quotes', "'help@other.example'", 'address-in-name crit'],
  ['padding', `Support${' '.repeat(40)}x`, 'padding crit'],
  ['padding without blanks', `Support${'\u2800'.repeat(40)}x`, 'padding crit'],
  ['a very long name', 'a '.repeat(60), 'long-name warn'],
  ['a check mark', 'Somebody \u2705', 'trust-mark warn'],
  ['a lock', '\u{1f512} Somebody', 'trust-mark warn'],
  ['a word of two scripts', '\u0421afe news', 'mixed-script-name warn'],
] as const)('a name that deceives: %s', ([, display, sign]) => {
  expect(found('attack.example', display)).toContain(sign);
});

test.for([
  ['the company itself', 'paypost.example', 'PayPost'],
  ['a subdomain of it', 'mail.paypost.example', 'PayPost Support'],
  ['another domain of the company', 'ebank.test', 'Example Bank'],
  ['its own address in the name', 'paypost.example', 'help@paypost.example'],
  ['an address of its organization', 'mail.somebody.example', 'me@somebody.example'],
  ['a stranger', 'somebody.example', 'Jane Doe'],
  ['an emoji of joined parts', 'somebody.example', 'Jane \u{1f469}\u200d\u{1f4bb} Doe'],
  ['Persian with a joiner', 'somebody.example', '\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645'],
  ['Hebrew with a mark of direction', 'somebody.example', '\u05d3\u05d5\u05d3\u200f'],
  [
    'Japanese of three scripts',
    'somebody.example',
    '\u682a\u5f0f\u4f1a\u793eABC\u30b5\u30dd\u30fc\u30c8\u306e',
  ],
  ['a short word that is part of a name', 'somebody.example', 'Bank holiday'],
  ['a long company name', 'somebody.example', 'Society for the Protection of Small Things e.V.'],
] as const)('a name that does not: %s', ([, domain, display]) => {
  expect(found(domain, display)).toEqual([]);
});

test.for([
  ['digit for a letter', 'examp1e-bank.example', 'lookalike-domain crit'],
  ['rn for m', 'exarnple-bank.example', 'lookalike-domain crit'],
  ['Cyrillic among Latin letters', 'xn--ayost-uyec.example', 'mixed-script crit'],
  ['Cyrillic letters that look like it', 'xn--ayost-uyec.example', 'lookalike-domain crit'],
  ['accents', 'xn--pypost-bua.example', 'lookalike-domain warn'],
  ['below a look-alike', 'mail.payp0st.example', 'lookalike-domain crit'],
  ['the domain as a label', 'paypost.example.attack.example', 'domain-as-label crit'],
  ['the domain as a label further in', 'login.paypost.example.attack.example', 'domain-as-label crit'],
  ['the domain with a hyphen for its dot', 'paypost-example.attack.example', 'lookalike-word warn'],
  ['a word of the domain', 'paypost-secure.test', 'lookalike-word warn'],
] as const)('a domain that deceives: %s', ([, domain, sign]) => {
  expect(found(domain)).toContain(sign);
});

test.for(['paypost.example', 'mail.paypost.example', 'somebody.example', 'xn--bnk-qla.example'])(
  'a domain that does not: %s',
  (domain) => {
    expect(found(domain)).toEqual([]);
  },
);

test.for([
  [
    'to others under a listed name',
    'paypost.example',
    'PayPost',
    'attack.example',
    'PayPost',
    ['reply-to crit'],
  ],
  [
    'to others under the name of the From field',
    'paypost.example',
    'PayPost',
    'attack.example',
    '',
    ['reply-to crit'],
  ],
  ['to the company', 'paypost.example', 'PayPost', 'mail.paypost.example', 'PayPost', []],
  ['to others under their own name', 'somebody.example', 'Jane', 'else.example', 'Jane', []],
] as const)('answers %s', ([, domain, display, replyTo, replyName, signs]) => {
  expect(found(domain, display, { replyTo, replyName })).toEqual(signs);
});

test('a local part that is made to look like an address deceives', () => {
  expect(found('attack.example', '', { local: 'help@paypost.example' })).toEqual([
    'address-in-local-part crit',
  ]);
});

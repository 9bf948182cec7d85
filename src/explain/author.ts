import type { Explanation } from './types.ts';

const TWO_READERS =
  'One program shows one author, another verifies a different one: a sender that cannot sign for your bank makes use of it.';
const REFUSE =
  'Take it for an attack until you know better. If it is your own software, let it write the header as RFC 5322 says.';

const STRUCTURE: readonly (readonly [fault: string, what: string, why: string, ref: string])[] = [
  [
    'no-from',
    'A message without a From field.',
    'Nobody is named, so nobody can be trusted.',
    'RFC 5322 §3.6',
  ],
  [
    'no-author',
    'A From field that names nobody.',
    'Without an author nothing can be proved.',
    'RFC 5322 §3.6.2',
  ],
  ['several-from', 'Several From fields.', TWO_READERS, 'RFC 5322 §3.6'],
  [
    'several-domains',
    'A From field with authors of several domains.',
    'Which of them is shown, and which is proved, differs from program to program.',
    'RFC 9989',
  ],
  ['ambiguous-from', 'A From field in which programs read different authors.', TWO_READERS, 'RFC 5322 §3.4'],
  [
    'empty-group',
    'A From field with a group without members.',
    'It looks like a name and is no address.',
    'RFC 6854',
  ],
  [
    'from-spacing',
    'White space between From and its colon.',
    'Some programs do not see such a field, others do.',
    'RFC 5322 §2.2',
  ],
  ['unparsable-address', 'A From field that cannot be read by the grammar.', TWO_READERS, 'RFC 5322 §3.4'],
  [
    'encoded-address',
    'An encoded word inside of an address.',
    'Programs that decode it see another address than those that do not.',
    'RFC 2047 §5',
  ],
  [
    'address-literal',
    'An IP address where the author’s domain belongs.',
    'No domain can be proved.',
    'RFC 5322 §3.4.1',
  ],
  [
    'source-route',
    'A route in the author’s address.',
    'Old programs take the first name for the author, others the last.',
    'RFC 5322 §4.4',
  ],
  [
    'too-long',
    'A From field beyond every measure.',
    'It is made so that programs cut it at different places.',
    'RFC 5322 §2.1.1',
  ],
  [
    'control-byte',
    'A control character in the From field.',
    'What is shown is not what stands there.',
    'RFC 5322 §2.2',
  ],
  ['nul', 'A NUL byte in the header.', 'Programs written in C stop there, others read on.', 'RFC 5322 §4'],
  [
    'bare-cr',
    'A CR without LF in the header.',
    'Some programs take it for the end of a line: a field appears that others do not see.',
    'RFC 5322 §2.3',
  ],
  [
    'leading-space',
    'A header that begins with white space.',
    'Some programs skip that line, some the whole header.',
    'RFC 5322 §2.2.3',
  ],
  [
    'leading-blank-line',
    'An empty line before the header.',
    'For some programs the header is empty then, and all the rest is body.',
    'RFC 5322 §2.1',
  ],
  [
    'blank-line',
    'A line of white space alone within the header.',
    'Some programs take it for the end of the header: what follows is read as body.',
    'RFC 5322 §3.2.2',
  ],
  [
    'non-header-line',
    'A line in the header that is no field.',
    'Some programs end the header there, others skip it.',
    'RFC 5322 §2.2',
  ],
  [
    'mixed-line-endings',
    'Lines of the header that end in CRLF and in LF.',
    'Programs disagree on where the header ends.',
    'RFC 5322 §2.1',
  ],
  [
    'header-too-long',
    'A header that is longer than what is read.',
    'What stands behind the limit is not known; ordinary headers stay far below it.',
    'RFC 5322 §2.1.1',
  ],
];

/** Ways to write a header that programs read differently. */
export const structureExplanations: readonly Explanation[] = STRUCTURE.map(([fault, what, why, ref]) => ({
  id: `structure.${fault}`,
  what,
  why,
  fix: REFUSE,
  ref,
}));

const DECEPTION: readonly (readonly [sign: string, what: string, why: string])[] = [
  [
    'address-in-name',
    'A display name that shows an address of another organization.',
    'Most mail programs show the name alone: the reader sees an address that did not write.',
  ],
  [
    'address-in-local-part',
    'An address whose part before the @ looks like an address.',
    'A reader stops at the first domain, which is not the one that counts.',
  ],
  [
    'listed-name',
    'A display name that is that of a known company, from a domain that is not its own.',
    'The name is free text; everybody may call himself like your bank.',
  ],
  [
    'domain-in-name',
    'A display name that shows a domain of a known company, from another domain.',
    'The domain in the name is read and proves nothing.',
  ],
  [
    'lookalike-domain',
    'A domain that looks like that of a known company.',
    'It is registered and signs its mail, so every method passes: for the wrong domain. If only accents tell them apart, it is a warning.',
  ],
  [
    'lookalike-word',
    'A domain with a word of a known company’s domain, such as bank-secure.example.',
    'It may be another firm of that name, so it is a warning and never decides.',
  ],
  [
    'domain-as-label',
    'A domain that begins with that of a known company and belongs to others.',
    'On a small screen the end of a long name, which counts, is cut off.',
  ],
  [
    'mixed-script',
    'A domain whose label mixes letters of several scripts.',
    'A Cyrillic а looks like a Latin a.',
  ],
  [
    'mixed-script-name',
    'A word of the display name that mixes letters of several scripts.',
    'It looks like one word and is found by no filter for it. Alone it is a warning.',
  ],
  [
    'bidi',
    'Controls in the display name that turn the order of what is shown.',
    'What is read is not what stands there.',
  ],
  [
    'zero-width',
    'Characters in the display name that are not seen.',
    'They keep filters from finding a name that the reader sees.',
  ],
  [
    'padding',
    'A display name filled up so that the address is out of sight.',
    'The reader sees the name and not who sent it.',
  ],
  ['long-name', 'A display name that is very long.', 'It may hide the address. Alone it is a warning.'],
  [
    'trust-mark',
    'A check mark, lock or shield in the display name.',
    'It is meant to look like a seal that only the mail program may set.',
  ],
  [
    'reply-to',
    'Answers go to another organization, under the name of a company that it is not of.',
    'The first message is harmless; the money is asked for in the second, from the other address.',
  ],
];

/** Signs that a sender wants to be taken for somebody else. */
export const deceptionExplanations: readonly Explanation[] = DECEPTION.map(([sign, what, why]) => ({
  id: `deception.${sign}`,
  what,
  why,
  fix: 'Ask the company that seems to write, by a way you know from before. If it is harmless, add the sender’s domain under "trust" to the local list.',
}));

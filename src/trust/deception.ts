import type { Mailbox } from '../message/mailboxes.ts';
import type { AuthorFacts, Reason } from './facts.ts';
import { domainSkeleton, type Known, type Names, toUnicode } from './names.ts';
import { isAtOrBelow, organizationalDomain } from './organization.ts';
import { joined, mixesScripts, type Skeleton, wordsOf } from './skeleton.ts';

/** Longest display name that is looked at, in characters; what is longer is padding by itself. */
const MAX_NAME = 400;
/** A run of blanks or dots that pushes what follows out of sight. */
const PADDING = /[\s\u00a0\u2000-\u200a\u3000\u2800.·_-]{12,}/u;
const LONG_NAME = 78;
/** Words of a name, and mailboxes of a From field, that are looked at. */
const MAX_WORDS = 60;
const MAX_MAILBOXES = 20;

/**
 * Signs that a sender wants to be taken for somebody else (TV-3): in the display name, in the domain, in
 * Reply-To. A severity of `crit` speaks for itself; `warn` is too weak to judge by alone.
 *
 * @param names  companies that may be posed as
 */
export function findDeceptions(author: AuthorFacts, names: Names): readonly Reason[] {
  const { domain } = author;
  if (domain === null) return [];
  const inFrom = [
    ...author.mailboxes.slice(0, MAX_MAILBOXES).flatMap((mailbox) => inName(mailbox, domain, names)),
    ...inDomain(domain, names),
  ];
  const at = author.field === null ? {} : { field: author.field };
  return [
    ...inFrom.map(({ quote, ...sign }) => ({ ...sign, evidence: { ...at, quote } })),
    ...inReplyTo(author, domain, names).map(({ quote, ...sign }) => ({ ...sign, evidence: { quote } })),
  ];
}

type Sign = {
  readonly code: string;
  readonly severity: 'warn' | 'crit';
  readonly text: string;
  readonly quote: string;
};

function crit(code: string, quote: string, text: string): Sign {
  return { code: `deception.${code}`, severity: 'crit', text, quote };
}

function warn(code: string, quote: string, text: string): Sign {
  return { code: `deception.${code}`, severity: 'warn', text, quote };
}

function sign(certain: boolean, code: string, quote: string, text: string): Sign {
  return certain ? crit(code, quote, text) : warn(code, quote, text);
}

function inName({ display: whole, local }: Mailbox, domain: string, names: Names): readonly Sign[] {
  const display = whole.slice(0, MAX_NAME);
  return [
    ...foreignAddress(display, domain),
    ...hidden(whole),
    ...posesAs(display, domain, names),
    ...domainInName(display, domain, names),
    ...(local.includes('@')
      ? [
          crit(
            'address-in-local-part',
            local,
            'The part before the @ of the address is made to look like an address.',
          ),
        ]
      : []),
    ...display
      .split(/[\s\p{P}]+/u)
      .filter(mixesScripts)
      .map((word) => warn('mixed-script-name', word, 'A word of the name mixes letters of several scripts.')),
  ];
}

/** NFKC first: `＠` is shown as an at sign as well. */
function foreignAddress(display: string, domain: string): readonly Sign[] {
  const found = display
    .normalize('NFKC')
    .matchAll(/[^\s@<>"'()]{1,64}@((?:[\p{L}\p{N}_-]{1,63}\.)+[\p{L}\p{N}-]{2,63})/gu);
  return [...found]
    .filter(([, shown = '']) => !isSameOrganization(shown.toLowerCase(), domain))
    .map(([address]) =>
      crit('address-in-name', address, `The name shows an address that is not of ${domain}.`),
    );
}

function isSameOrganization(shown: string, domain: string): boolean {
  return organizationalDomain(shown) === organizationalDomain(domain);
}

const ASCII = /^[\x20-\x7e]*$/;

/** Check marks, locks and shields: signs that only we may set. */
const TRUST_MARK =
  /[\u2611\u2705\u2713\u2714\u{1f10d}\u{1f50f}-\u{1f513}\u{1f5f8}\u{1f6e1}\u{1f396}\u{1f3c5}]/u;

const BIDI = /[\u202a-\u202e\u2066-\u2069]/u;
/** Marks of direction have their place beside letters that run from right to left. */
const DIRECTION_MARK = /[\u200e\u200f\u061c]/u;
const RIGHT_TO_LEFT = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}]/u;
/** Joiners have a use in emoji, in Arabic and in Indic scripts, so not beside these. */
const ZERO_WIDTH =
  /\u034f|[\u00ad\u115f\u1160\u180e\u200b\u2060-\u2064\u206a-\u206f\u3164\ufeff\uffa0]|[\u{e0000}-\u{e007f}]|(?<=[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}\p{N}\s])[\u200c\u200d]/u;

function hidden(display: string): readonly Sign[] {
  return [...(ASCII.test(display) ? [] : notSeen(display)), ...outOfSight(display)];
}

/** What only characters beyond ASCII can do; asking for them by script takes a millisecond at the start. */
function notSeen(display: string): readonly Sign[] {
  const signs: Sign[] = [];
  if (TRUST_MARK.test(display)) {
    signs.push(
      warn('trust-mark', display, 'The name has a sign that is meant to look like a seal of approval.'),
    );
  }
  const mark = DIRECTION_MARK.test(display) && !RIGHT_TO_LEFT.test(display);
  if (BIDI.test(display) || mark) {
    signs.push(crit('bidi', display, 'The name has controls that turn the order of what is shown.'));
  }
  if (ZERO_WIDTH.test(display)) {
    signs.push(crit('zero-width', display, 'The name has characters that are not seen.'));
  }
  return signs;
}

function outOfSight(display: string): readonly Sign[] {
  if (PADDING.test(display) || display.length > MAX_NAME) {
    const text = 'The name is filled up so that the address is out of sight.';
    return [crit('padding', display.slice(0, MAX_NAME), text)];
  }
  if (display.length <= LONG_NAME) return [];
  return [warn('long-name', display, 'The name is so long that it may hide the address.')];
}

/** A known name in the display name, as its words or run together, where the domain is not that company's. */
function posesAs(display: string, domain: string, names: Names): readonly Sign[] {
  const words = wordsOf(display).slice(0, MAX_WORDS);
  const found = [...strangersAmong(words, domain, names), ...strangersAsWhole(words, domain, names)];
  const seen = new Map<string, boolean>();
  for (const { name, certain } of found) seen.set(name, certain || seen.get(name) === true);
  return [...seen].map(([name, certain]) =>
    sign(certain, 'listed-name', display, `The name is that of ${name}, whose domain is not ${domain}.`),
  );
}

/** Companies whose name is some of these words, in a row. */
function strangersAmong(words: readonly Skeleton[], domain: string, names: Names): readonly Stranger[] {
  const found: Stranger[] = [];
  for (let start = 0; start < words.length; start += 1) {
    const most = Math.min(names.longest, words.length - start);
    for (let length = 1; length <= most; length += 1) {
      const name = joined(words.slice(start, start + length), ' ');
      // A word of one or two letters is a name only when it is all there is.
      if (name.hurried.length >= 3 || length === words.length) {
        found.push(...strangers(names.byName, name, domain));
      }
    }
  }
  return found;
}

/** Companies whose name or label all the words make when the blanks are left out (`Pay Pal`). */
function strangersAsWhole(words: readonly Skeleton[], domain: string, names: Names): readonly Stranger[] {
  const whole = joined(words, '');
  if (whole.hurried.length < 4) return [];
  return [...strangers(names.byName, whole, domain), ...strangers(names.byLabel, whole, domain)];
}

/** A company that something looks like and the domain does not belong to. */
type Stranger = {
  readonly name: string;
  /** A careful reader sees no difference; else accents tell them apart. */
  readonly certain: boolean;
};

/** None, when the domain belongs to one of those that it looks like. */
function strangers(index: Names['byName'], look: Skeleton, domain: string): readonly Stranger[] {
  const alike = index.get(look.hurried) ?? [];
  if (alike.some(({ known }) => belongsTo(domain, known))) return [];
  return alike.map(({ known, careful }) => ({ name: known.name, certain: careful === look.careful }));
}

function belongsTo(domain: string, known: Known): boolean {
  return known.domains.some((each) => isAtOrBelow(domain, each) || isSameOrganization(each, domain));
}

/** A listed domain, or one that looks like it, as a word of the name. */
function domainInName(display: string, domain: string, names: Names): readonly Sign[] {
  const words = display.normalize('NFKC').match(/(?:[\p{L}\p{N}-]{1,63}\.)+[\p{L}\p{N}-]{2,63}/gu) ?? [];
  return words.slice(0, 20).flatMap((word) =>
    strangers(names.byDomain, domainSkeleton(word.toLowerCase()), domain)
      .slice(0, 1)
      .map(({ name, certain }) =>
        sign(certain, 'domain-in-name', word, `The name shows a domain of ${name}, which ${domain} is not.`),
      ),
  );
}

function inDomain(domain: string, names: Names): readonly Sign[] {
  const shown = toUnicode(domain);
  return [
    ...shown
      .split('.')
      .filter(mixesScripts)
      .map((label) => crit('mixed-script', label, `A label of ${domain} mixes letters of several scripts.`)),
    ...lookalikeDomain(domain, names),
    ...domainAsLabel(domain, names),
    ...lookalikeWord(domain, names),
  ];
}

function lookalikeDomain(domain: string, names: Names): readonly Sign[] {
  const candidates = new Set([domain, organizationalDomain(domain)]);
  for (const candidate of candidates) {
    const [like] = strangers(names.byDomain, domainSkeleton(candidate), domain);
    if (like !== undefined) {
      const text = `${candidate} looks like a domain of ${like.name}.`;
      return [sign(like.certain, 'lookalike-domain', toUnicode(candidate), text)];
    }
  }
  return [];
}

/** `bank.example.attack.example`: what stands on the left is read first and means nothing. */
function domainAsLabel(domain: string, names: Names): readonly Sign[] {
  const labels = domain.split('.');
  for (let start = 0; start < labels.length - 2; start += 1) {
    for (let end = start + 2; end < labels.length; end += 1) {
      const part = labels.slice(start, end).join('.');
      const [like] = strangers(names.byDomain, domainSkeleton(part), domain);
      if (like !== undefined) {
        const text = `${domain} begins with a domain of ${like.name} and belongs to others.`;
        return [sign(like.certain, 'domain-as-label', part, text)];
      }
    }
  }
  return [];
}

/** `bank-secure.example`, `bank-example.attack.example`: words of a known domain. Weak, as words are anybody's. */
function lookalikeWord(domain: string, names: Names): readonly Sign[] {
  for (const label of domain.split('.').filter((each) => each.includes('-') && !each.startsWith('xn--'))) {
    const [like] = strangers(names.byDomain, domainSkeleton(label.replaceAll('-', '.')), domain);
    if (like !== undefined) {
      return [
        warn('lookalike-word', label, `${domain} has a domain of ${like.name} in it, with other dots.`),
      ];
    }
  }
  const [label = ''] = organizationalDomain(domain).split('.');
  for (const word of new Set([label, ...label.split('-')])) {
    const [like] = strangers(names.byLabel, domainSkeleton(word), domain);
    if (word.length >= 4 && like !== undefined) {
      return [warn('lookalike-word', word, `${domain} has the word "${word}" of a domain of ${like.name}.`)];
    }
  }
  return [];
}

function inReplyTo({ mailboxes, replyTo }: AuthorFacts, domain: string, names: Names): readonly Sign[] {
  const elsewhere = replyTo.filter((each) => !isSameOrganization(each.domain, domain));
  const fromNames = mailboxes.slice(0, MAX_MAILBOXES).map(({ display }) => display);
  return elsewhere.flatMap((mailbox) => {
    const address = `${mailbox.local}@${mailbox.domain}`;
    const poses = [mailbox.display, ...fromNames].some((display) =>
      posesAs(display.slice(0, MAX_NAME), mailbox.domain, names).some(({ severity }) => severity === 'crit'),
    );
    return poses
      ? [
          crit(
            'reply-to',
            address,
            `Answers go to ${mailbox.domain} under the name of a company that it is not of.`,
          ),
        ]
      : [];
  });
}

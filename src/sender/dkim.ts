import { lookUpKey } from '../dkim/key.ts';
import type { KeyRecord } from '../dkim/types.ts';
import type { Resolver } from '../dns/types.ts';
import type { Check } from '../report.ts';
import { guessSelectors } from './selectors.ts';

/** A selector that was given, or one that was tried and is there. */
export type FoundSelector = { readonly selector: string; readonly given: boolean; readonly key: KeyRecord };

export type DkimView = {
  readonly selectors: readonly FoundSelector[];
  /** Every name below `_domainkey` has an answer, so that guessing finds nothing out. */
  readonly wildcard: boolean;
  /** The DNS does not answer for names below `_domainkey`. */
  readonly unavailable: boolean;
};

/** Shortest RSA keys that verifiers must refuse, and that signers should not use (RFC 8301 §3.2). */
const WEAK_BITS = 1024;
const STRONG_BITS = 2048;

/**
 * Look at the keys of a domain.
 *
 * @param given   selectors to look at; without any, common ones are tried
 * @param madeUp  a selector that nobody has
 */
export async function viewDkim(
  domain: string,
  given: readonly string[],
  { dns, nowMs, madeUp }: { dns: Resolver; nowMs: number; madeUp: string },
): Promise<DkimView> {
  const look = async (selector: string, isGiven: boolean): Promise<FoundSelector> => {
    const { record } = await lookUpKey(selector, domain, dns);
    return { selector, given: isGiven, key: record };
  };
  const view = { selectors: [], wildcard: false, unavailable: false };
  if (given.length > 0)
    return { ...view, selectors: await Promise.all(given.map((each) => look(each, true))) };
  const nobodys = (await look(madeUp, false)).key.state;
  if (nobodys === 'unavailable') return { ...view, unavailable: true };
  if (nobodys !== 'missing') return { ...view, wildcard: true };
  const tried = await Promise.all(guessSelectors(nowMs).map((each) => look(each, false)));
  return {
    ...view,
    selectors: tried.filter(({ key }) => key.state !== 'missing' && key.state !== 'unavailable'),
  };
}

/** @param silent  the domain says that it sends no mail: it needs no keys */
export function dkimChecks(
  domain: string,
  { selectors, wildcard, unavailable }: DkimView,
  silent: boolean,
): Check[] {
  if (selectors.length > 0) return selectors.flatMap((each) => selectorChecks(domain, each));
  if (unavailable)
    return [
      problem(
        'dkim.selectors',
        'unknown',
        `Keys of ${domain} could not be looked up.`,
        'Try again.',
        '§3.6.2',
      ),
    ];
  if (silent) return [];
  const message = wildcard
    ? `Every name below _domainkey.${domain} has an answer, so that selectors cannot be guessed.`
    : `No key was found under the usual selectors; ${domain} may have others.`;
  return [
    {
      id: 'dkim.selectors',
      status: 'ok',
      info: true,
      message,
      fix: `Name yours with --selector (s= in the DKIM-Signature of a message). To make one: postern dkim key make ${domain}.`,
      ref: 'RFC 6376 §3.1',
    },
  ];
}

function selectorChecks(domain: string, { selector, given, key }: FoundSelector): Check[] {
  const who = `The key ${selector} of ${domain}`;
  const renew = `Make a new one and publish it beside this: postern dkim key make ${domain}.`;
  switch (key.state) {
    case 'missing':
      return [
        problem(
          'dkim.key',
          'crit',
          `${who} is not published: what it signs does not verify.`,
          renew,
          '§3.6.2',
        ),
      ];
    case 'unavailable':
      return [problem('dkim.key', 'unknown', `${who} could not be looked up.`, 'Try again.', '§3.6.2')];
    case 'revoked':
      return given
        ? [problem('dkim.revoked', 'crit', `${who} is withdrawn (empty p=).`, renew, '§3.6.1')]
        : [{ id: 'dkim.revoked', status: 'ok', info: true, message: `${who} is withdrawn (empty p=).` }];
    case 'invalid':
      return [
        problem(
          'dkim.key',
          'crit',
          `${who} cannot be used: ${key.faults.join(', ')}.`,
          renew,
          '§3.6.1',
          key.text,
        ),
      ];
    case 'found':
      return keyChecks(who, key, renew);
  }
}

function problem(
  id: string,
  status: 'warn' | 'crit' | 'unknown',
  message: string,
  fix: string,
  section: string,
  evidence: string | null = null,
): Check {
  const ref = section.startsWith('§') ? `RFC 6376 ${section}` : section;
  return { id, status, message, ...(evidence !== null && { evidence }), fix, ref };
}

function keyChecks(who: string, key: KeyRecord, renew: string): Check[] {
  const bits = key.type === 'rsa' ? (key.bits ?? 0) : STRONG_BITS;
  const checks: Check[] = [];
  if (bits < WEAK_BITS)
    checks.push(
      problem(
        'dkim.weak-key',
        'crit',
        `${who} has ${bits} bits: verifiers refuse it.`,
        renew,
        'RFC 8301 §3.2',
      ),
    );
  else if (bits < STRONG_BITS)
    checks.push(
      problem('dkim.weak-key', 'warn', `${who} has ${bits} bits: 2048 are due.`, renew, 'RFC 8301 §3.2'),
    );
  if (key.testing)
    checks.push(
      problem(
        'dkim.testing-key',
        'warn',
        `${who} is in test mode (t=y): receivers treat what it signs as unsigned.`,
        'Remove t=y from the record.',
        '§3.6.1',
        key.text,
      ),
    );
  return checks.length > 0
    ? checks
    : [{ id: 'dkim.key', status: 'ok', message: `${who} is ${strength(key)}.`, ref: 'RFC 6376 §3.6.1' }];
}

/** A key in a word or two, such as `rsa, 2048 bits`. */
export function strength({ state, type, bits }: Pick<KeyRecord, 'state' | 'type' | 'bits'>): string {
  if (state !== 'found' && type === null) return state;
  return type === 'ed25519' ? 'ed25519' : `${type ?? 'key'}, ${bits ?? '?'} bits`;
}

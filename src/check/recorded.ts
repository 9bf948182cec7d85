import { parseAuthenticationResults, type RecordedResult } from '../authres/parse.ts';
import type { Field } from '../message/headers.ts';
import type { MessagePath } from '../received/types.ts';
import type { Authentication } from './authenticate.ts';
import { ownAuthenticationResults } from './envelope.ts';
import type { RecordedSection } from './types.ts';

const COMPARED: ReadonlySet<string> = new Set(['spf', 'dkim', 'dmarc', 'arc']);

/**
 * Put the results that the reader's own servers wrote into the message beside ours. That they differ is what
 * support wants to know: the key has gone since, the policy is another one, or somebody altered the message.
 */
export function recordedResults(
  fields: readonly Field[],
  path: MessagePath,
  found: Authentication,
): RecordedSection[] {
  return ownAuthenticationResults(fields, path).flatMap((field) => {
    const { authservId, results } = parseAuthenticationResults(field.value);
    return results
      .filter(({ method }) => COMPARED.has(method))
      .map((result) => compare(authservId ?? '', result, found));
  });
}

function compare(authservId: string, recorded: RecordedResult, found: Authentication): RecordedSection {
  const domain = subjectOf(recorded);
  const ours = oursOf(recorded, domain, found);
  return {
    authservId,
    method: recorded.method,
    domain,
    recorded: recorded.result,
    ours,
    differs: ours !== null && !isSame(recorded.result, ours),
  };
}

function subjectOf({ method, properties }: RecordedResult): string | null {
  const value =
    method === 'dkim'
      ? (properties['header.d'] ?? properties['header.i'])
      : method === 'spf'
        ? (properties['smtp.mailfrom'] ?? properties['smtp.helo'])
        : properties['header.from'];
  if (value === undefined) return null;
  return value.slice(value.lastIndexOf('@') + 1).toLowerCase();
}

function oursOf(
  { method, properties }: RecordedResult,
  domain: string | null,
  { spf, dmarc, arc, signatures }: Authentication,
): string | null {
  switch (method) {
    case 'spf':
      return spf?.result ?? null;
    case 'dmarc':
      return dmarc.result === 'not-evaluated' ? null : dmarc.result;
    case 'arc':
      return arc.result === 'not-evaluated' ? null : arc.result;
    default: {
      const selector = properties['header.s'];
      const same = signatures.filter(
        (each) => each.domain === domain && (selector === undefined || each.selector === selector),
      );
      if (same.some(({ cause }) => cause === 'body-unknown')) return null;
      if (same.length === 0) return 'none';
      return same.find(({ result }) => result === 'pass')?.result ?? same[0]?.result ?? null;
    }
  }
}

/** Servers word a signature that does not count differently; all of it means that it did not pass. */
function isSame(one: string, other: string): boolean {
  const plain = (word: string) => (/^(?:fail|permerror|policy|neutral)$/.test(word) ? 'fail' : word);
  return one === other || plain(one) === plain(other);
}

import type { Hop } from './types.ts';

/**
 * The path in one sentence that a support agent can forward.
 *
 * @param hops  oldest first
 */
export function summarise(hops: readonly Hop[], border: Hop | null): string {
  if (hops.length === 0) return 'There is no Received field, so nothing is known of the way of this message.';
  if (border === null) {
    const word = hops.length === 1 ? 'The only hop stays' : `All ${hops.length} hops stay`;
    return `${word} inside one system; no line shows a client outside.`;
  }
  return `${entry(border)}, ${protection(border)}; ${claims(border.index)}`;
}

function entry(border: Hop): string {
  const by = border.by === null ? '' : ` at ${border.by}`;
  const from = border.from.ip ?? border.from.helo;
  const source = from === null ? ' from an address that the line does not tell' : ` from ${from}`;
  const when = border.date === null ? ' at an unknown time' : ` on ${border.date}`;
  const how = border.submission ? 'Was handed in to' : 'Entered';
  return `${how} your system${by}${source}${when}`;
}

function protection(border: Hop): string {
  switch (border.encrypted) {
    case 'yes':
      return describeTls(border);
    case 'no':
      return 'without encryption';
    case 'local':
      return 'without a network in between';
    case 'unknown':
      return 'and the line does not tell whether it was encrypted';
  }
}

/** `TLS 1.3, X25519`; `TLS of an unknown version`. */
export function describeTls(hop: Hop): string {
  const version = hop.tls?.version;
  const group = hop.tls?.group;
  const name = version == null ? 'TLS of an unknown version' : version.replace('TLSv', 'TLS ');
  return group == null ? name : `${name}, ${group}`;
}

function claims(older: number): string {
  if (older === 0) return 'there is no hop before that.';
  if (older === 1) return "the hop before that is the sender's claim.";
  const count = NUMBERS[older] ?? String(older);
  return `the ${count} hops before that are the sender's claim.`;
}

const NUMBERS = ['no', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'];

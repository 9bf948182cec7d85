import { type HeaderField, splitFields } from '../dkim/fields.ts';
import { type Header, readHeader } from '../message/headers.ts';
import { toWire, type Wire } from '../message/wire.ts';
import { describePath } from '../received/path.ts';
import type { TrustOptions } from '../received/trust.ts';
import type { MessagePath } from '../received/types.ts';
import type { CheckInput, CheckOptions } from './check.ts';

/** What one message may cost of the DNS. */
export const DNS_BOUNDS = { queries: 100, questionMs: 10_000, totalMs: 20_000 };

/** A border's date further in the future than this is that of a broken clock. */
const MAX_SKEW_MS = 86_400_000;

/** A message of which only what is asked for is read, each once. */
export class LazyMessage implements CheckInput {
  readonly target: string | null;
  readonly bytes: Buffer;
  readonly cut: boolean;
  private people: Header | null = null;
  private signed: Wire | null = null;
  private split: readonly HeaderField[] | null = null;

  constructor(target: string | null, bytes: Buffer, cut: boolean) {
    this.target = target;
    this.bytes = bytes;
    this.cut = cut;
  }

  /** For people. */
  get header(): Header {
    this.people ??= readHeader(this.bytes);
    return this.people;
  }

  get wire(): Wire {
    this.signed ??= wireOf(this);
    return this.signed;
  }

  /** For signatures. */
  get fields(): readonly HeaderField[] {
    this.split ??= splitFields(this.wire.head);
    return this.split;
  }
}

/** As it was signed, as far as that can be told of a header block that somebody pasted. */
export function wireOf(input: CheckInput): Wire {
  const read = toWire(input.bytes);
  if (input.cut) return { ...read, body: null };
  return read.body === null ? pastedWire(read, input.header) : read;
}

function pastedWire(wire: Wire, header: Header): Wire {
  if (header.fields.length <= splitFields(wire.head).length) return wire;
  // Indented or quoted: the reader for people found more fields than there are lines that begin with one. What is
  // left of their folds are blanks, which relaxed signatures do not mind.
  const fields = header.fields.map(({ name, value }) => `${name}: ${value}\r\n`);
  return { ...wire, head: Buffer.from(fields.join('')) };
}

type PathOptions = TrustOptions & Pick<CheckOptions, 'given' | 'nowMs'>;

export function pathOf({ header, target, bytes }: CheckInput, options: PathOptions): MessagePath {
  const { fields, truncated, bodyStart } = header;
  const mta = options.given.mta;
  return describePath(
    {
      fields,
      truncated,
      ...(target !== null && { target }),
      ...(bodyStart !== null && { body: bytes.subarray(bodyStart, bodyStart + 65_536) }),
    },
    { ...options, ...(mta !== undefined && { trustedBy: [...(options.trustedBy ?? []), mta] }) },
  );
}

/** When the message came in, by the server that took it in; null when that is not told or cannot be true. */
export function borderDate(path: MessagePath, nowMs: number): number | null {
  const border = path.border === null ? undefined : path.hops[path.border];
  const date = border?.flags.includes('zone-unknown') ? null : (border?.date ?? null);
  const instant = date === null ? null : Date.parse(date);
  return instant !== null && instant <= nowMs + MAX_SKEW_MS ? instant : null;
}

// The parts of mailauth that it does not describe itself; pinned to the version in package.json.

declare module 'mailauth/lib/dkim/dkim-verifier.js' {
  import { Writable } from 'node:stream';

  export type PreparedSignature = {
    type: 'DKIM' | 'ARC';
    parsed?: Record<string, { value: string | number } | undefined>;
    /** Why it is not processed at all. */
    skip?: string;
    /** Why it is refused without a look at its key. */
    invalid?: string;
    selector: string;
    signingDomain: string;
    identity?: string;
    identityDomain?: string;
    fallbackCanonicalization?: string;
  };

  export class DkimVerifier extends Writable {
    constructor(options: Record<string, unknown>);
    strict: boolean;
    headers: { parsed: { key: string; line: Buffer }[] } | false;
    signatureHeaders: PreparedSignature[];
    results: import('mailauth').DKIMResult[];
    arc: import('mailauth').ARCData;
    messageHeaders(headers: unknown): Promise<void>;
    prepareSignature(signature: PreparedSignature): void;
  }
}

declare module 'mailauth/lib/arc/index.js' {
  export function arc(
    data: import('mailauth').ARCData,
    options: Record<string, unknown>,
  ): Promise<import('mailauth').ARCResult>;
}

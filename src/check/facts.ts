import type { BoundedResolver } from '../dns/bounded.ts';
import type { Header } from '../message/headers.ts';
import type { MessagePath } from '../received/types.ts';
import { mailboxesOf } from '../trust/author.ts';
import type {
  AuthorFacts,
  DeliveryFacts,
  Facts,
  Reason,
  SignatureFacts,
  TemporaryError,
} from '../trust/facts.ts';
import type { Authentication, JudgedSignature } from './authenticate.ts';

export type FactsInput = {
  readonly header: Header;
  readonly path: MessagePath;
  readonly author: AuthorFacts;
  readonly found: Authentication;
  readonly dns: BoundedResolver;
  readonly headerOnly: boolean;
  /** Envelope recipient from the command line; null when not given. */
  readonly recipient: string | null;
  readonly remarks: readonly Reason[];
};

/** Put together what the verdict is made of. */
export function factsOf(input: FactsInput): Facts {
  const { author, found, headerOnly, remarks } = input;
  const { spf, dmarc, arc } = found;
  return {
    author,
    signatures: found.signatures.map(signatureFacts),
    spf: { result: spf?.result ?? 'not-evaluated', domain: spf?.domain || null },
    dmarc: {
      result: dmarc.result,
      policy: dmarc.policy,
      alignedSpf: dmarc.aligned.spf,
      alignedDkim: dmarc.aligned.dkim,
    },
    arc: {
      result: arc.result === 'not-evaluated' ? 'none' : arc.result,
      sealer: arc.sets.at(-1)?.sealer ?? null,
      dmarcPassFor: found.arcDmarcPassFor,
    },
    temporaryErrors: temporaryErrors(found, input.dns),
    headerOnly,
    delivery: deliveryOf(input),
    remarks,
  };
}

function signatureFacts(signature: JudgedSignature): SignatureFacts {
  const { cause, key, qualification } = signature;
  return {
    domain: signature.domain ?? '',
    selector: signature.selector ?? '',
    result: signature.result,
    aligned: signature.aligned,
    // Without the author's key nobody knows that it was the author who signed.
    altered: (cause === 'body-hash' || cause === 'signature') && key?.state === 'found',
    bodyUnknown: cause === 'body-unknown' && signature.headerVerifies,
    signedAtMs: signature.signedAtMs,
    disqualifiedBy: qualification.disqualifiedBy,
    warnings: qualification.warnings,
  };
}

/** Every lookup without an answer that a check wanted, and whether the answer could have proved the author. */
function temporaryErrors(
  { signatures, spf, dmarc, arc }: Authentication,
  { unanswered }: BoundedResolver,
): TemporaryError[] {
  const errors: TemporaryError[] = [];
  const note = (check: TemporaryError['check'], dns: string, decisive: boolean) => {
    const rcode = unanswered.find(({ name }) => name === dns)?.rcode ?? null;
    errors.push({ check, dns, rcode, decisive });
  };
  // Without the author's policy nobody knows what is aligned.
  const isOpen = dmarc.result === 'temperror';
  for (const { result, cause, key, aligned } of signatures) {
    if (key === null || (cause !== 'dns' && result !== 'temperror')) continue;
    note('dkim', key.name, aligned || isOpen);
  }
  const late = (wanted: (name: string) => boolean) => unanswered.find(({ name }) => wanted(name))?.name;
  const isOther = (name: string) => !name.startsWith('_dmarc.') && !name.includes('._domainkey.');
  if (spf?.result === 'temperror') note('spf', late(isOther) ?? spf.domain, dmarc.spfAligned || isOpen);
  if (isOpen) note('dmarc', late((name) => name.startsWith('_dmarc.')) ?? '', true);
  if (arc.result === 'temperror') note('arc', late((name) => name.includes('._domainkey.')) ?? '', false);
  return errors;
}

function deliveryOf({ header, path, recipient }: FactsInput): DeliveryFacts {
  const border = path.border === null ? undefined : path.hops[path.border];
  const delivered = header.fields.find(
    ({ name, range }) =>
      name.toLowerCase() === 'delivered-to' && border !== undefined && range[0] < border.range[0],
  );
  const addressed = mailboxesOf(header, ['to', 'cc']).map(({ local, domain }) => `${local}@${domain}`);
  return { recipient: recipient ?? delivered?.value ?? border?.for ?? null, addressed };
}

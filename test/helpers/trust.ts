import type { Facts, Reason, SignatureFacts } from '../../src/trust/facts.ts';
import { type Registry, readRegistry } from '../../src/trust/registry.ts';

/** The time that the tests judge at. */
export const NOW = Date.parse('2026-11-25T12:00:00Z');

/** A signature that nothing speaks against; change what the test is about. */
export function signature(changes: Partial<SignatureFacts> = {}): SignatureFacts {
  return {
    domain: 'bank.example',
    selector: 's1',
    result: 'pass',
    aligned: true,
    altered: false,
    bodyUnknown: false,
    signedAtMs: NOW - 60_000,
    disqualifiedBy: [],
    warnings: [],
    ...changes,
  };
}

/** Facts of a message that says to be from a domain and proves nothing. */
export function facts(domain: string, changes: Partial<Facts> = {}): Facts {
  return {
    author: {
      domain,
      mailboxes: [{ display: 'Service', local: 'service', domain }],
      replyTo: [],
      field: 0,
      faults: [],
    },
    signatures: [],
    spf: { result: 'not-evaluated', domain: null },
    dmarc: { result: 'none', policy: null, alignedSpf: false, alignedDkim: false },
    arc: { result: 'none', sealer: null, dmarcPassFor: null },
    temporaryErrors: [],
    headerOnly: false,
    delivery: { recipient: null, addressed: [] },
    remarks: [],
    ...changes,
  };
}

export function reason(code: string, severity: Reason['severity'] = 'crit'): Reason {
  return { code, severity, text: `Because of ${code}.`, evidence: null };
}

/** An entry as a registry document has it. */
export function entryDocument(changes: object = {}) {
  return {
    id: 'example-bank',
    organization: { name: 'Example Bank', legalName: 'Example Bank AG', country: 'CH' },
    domains: [{ domain: 'bank.example', includeSubdomains: false }],
    aliases: ['EBank'],
    mailTypes: ['all'],
    logo: null,
    vetting: {
      level: 'organization',
      checkedAt: '2026-06-01',
      checkedBy: ['A. Vetter', 'B. Second'],
      evidence: [],
      singleCompany: true,
      openSignup: false,
      nextReview: '2027-06-01',
    },
    status: 'active',
    validFrom: '2026-06-01',
    validUntil: '2027-06-30',
    ...changes,
  };
}

/** A registry document with these entries. */
export function registryDocument(entries: readonly object[] = [entryDocument()], changes: object = {}) {
  return {
    format: 'trusted-domains/1',
    mediator: { id: 'mediator.example', name: 'Example Mediator' },
    version: 1,
    issued: '2026-11-24T00:00:00Z',
    expires: '2026-12-24T00:00:00Z',
    entries,
    ...changes,
  };
}

export function registry(entries?: readonly object[], changes?: object): Registry {
  return readRegistry(bytes(registryDocument(entries, changes)), 'registry.json');
}

export function bytes(document: unknown): Buffer {
  return Buffer.from(JSON.stringify(document));
}

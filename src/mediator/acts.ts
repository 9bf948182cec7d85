import type { Json } from '../registry/canonical.ts';
import { type FileDigest, fileDigest } from '../registry/documents.ts';
import { type Place, Place as PlaceOf } from '../trust/json.ts';
import { domainName } from '../trust/registry.ts';

/** A company that wants to be vouched for, as it says of itself. */
export type Proposal = {
  readonly id: string;
  readonly name: string;
  readonly legalName: string | null;
  readonly country: string | null;
  /** Number in the register of companies. */
  readonly registration: string | null;
  readonly website: string | null;
  readonly domains: readonly { readonly domain: string; readonly includeSubdomains: boolean }[];
  readonly aliases: readonly string[];
  readonly mailTypes: readonly ('all' | 'transaction' | 'list')[];
};

/** Something that a vetter saw or was shown. */
export type Evidence = { readonly kind: string; readonly text: string };

export const LEVELS = ['domain-control', 'organization', 'trademark'] as const;
export type Level = (typeof LEVELS)[number];

/** What is done to an entry. Times are milliseconds since the epoch. */
export type EntryAct =
  | {
      readonly kind: 'vet';
      readonly entry: string;
      readonly level: Level;
      readonly singleCompany: boolean;
      readonly evidence: readonly Evidence[];
      /** Ids of the checks that speak against it; none: it may be approved. */
      readonly problems: readonly string[];
    }
  | { readonly kind: 'approve' | 'renew'; readonly entry: string; readonly validUntilMs: number }
  | { readonly kind: 'logo'; readonly entry: string; readonly mediaType: string; readonly sha256: string }
  | { readonly kind: 'suspend' | 'revoke'; readonly entry: string; readonly reason: string };

/** What a mediator does. Each is a line of the journal. */
export type Act =
  | EntryAct
  | { readonly kind: 'init'; readonly mediator: string; readonly name: string }
  | { readonly kind: 'challenge'; readonly domain: string; readonly value: string }
  | { readonly kind: 'add'; readonly proposal: Proposal }
  | ({ readonly kind: 'open-signup' } & FileDigest)
  | { readonly kind: 'sign'; readonly list: number; readonly statement: string; readonly pointer: number }
  | { readonly kind: 'rotate'; readonly root: number; readonly sha256: string };

/** An act, who did it and when. */
export type Deed = { readonly actor: string; readonly atMs: number; readonly act: Act };

const ID = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
const HEX = /^[0-9a-f]{64}$/;
const KINDS = [
  'init',
  'challenge',
  'add',
  'open-signup',
  'vet',
  'approve',
  'renew',
  'logo',
  'suspend',
  'revoke',
  'sign',
  'rotate',
] as const;

/** An act as the journal has it. */
export function actJson(act: Act): Json {
  return act as unknown as Json;
}

/** @throws {DocumentFault} with the path of the fault */
export function readAct(place: Place): Act {
  const kind = place.get('kind').oneOf(KINDS);
  const entry = () => place.get('entry').string({ of: ID, max: 100 });
  switch (kind) {
    case 'init':
      return {
        kind,
        mediator: place.get('mediator').string({ of: ID, max: 100 }),
        name: place.get('name').string({ max: 200 }),
      };
    case 'challenge':
      return {
        kind,
        domain: domainName(place.get('domain')),
        value: place.get('value').string({ max: 200 }),
      };
    case 'add':
      return { kind, proposal: readProposal(place.get('proposal')) };
    case 'open-signup':
      return { kind, ...fileDigest(place) };
    case 'vet':
      return {
        kind,
        entry: entry(),
        level: place.get('level').oneOf(LEVELS),
        singleCompany: place.get('singleCompany').boolean(),
        evidence: place.get('evidence').list(readEvidence, { max: 200 }),
        problems: place.get('problems').list((each) => each.string({ max: 100 }), { max: 200 }),
      };
    case 'approve':
    case 'renew':
      return { kind, entry: entry(), validUntilMs: place.get('validUntilMs').count() };
    case 'logo':
      return {
        kind,
        entry: entry(),
        mediaType: place.get('mediaType').oneOf(['image/svg+xml', 'image/png']),
        sha256: place.get('sha256').string({ of: HEX }),
      };
    case 'suspend':
    case 'revoke':
      return { kind, entry: entry(), reason: place.get('reason').string({ max: 500 }) };
    case 'sign':
      return {
        kind,
        list: place.get('list').count(),
        statement: place.get('statement').string({ of: HEX }),
        pointer: place.get('pointer').count(),
      };
    case 'rotate':
      return { kind, root: place.get('root').count(), sha256: place.get('sha256').string({ of: HEX }) };
  }
}

function readEvidence(place: Place): Evidence {
  return { kind: place.get('kind').string({ max: 100 }), text: place.get('text').string({ max: 2000 }) };
}

/**
 * What a company says of itself, checked for form.
 *
 * @throws {DocumentFault} with the path of the fault
 */
export function readProposal(place: Place): Proposal {
  const text = (name: string, of: RegExp | null = null) =>
    place.get(name).or(null, (each) => (each.value === null ? null : each.string({ max: 200, of })));
  const domains = place.get('domains').list(
    (each) => ({
      domain: domainName(each.get('domain')),
      includeSubdomains: each.get('includeSubdomains').or(false, (flag) => flag.boolean()),
    }),
    { min: 1, max: 10_000 },
  );
  if (new Set(domains.map(({ domain }) => domain)).size < domains.length)
    place.get('domains').fail('has a domain twice');
  return {
    id: place.get('id').string({ of: ID, max: 100 }),
    name: place.get('name').string({ max: 200 }),
    legalName: text('legalName'),
    country: text('country', /^[A-Z]{2}$/),
    registration: text('registration'),
    website: text('website', /^https:\/\/\S+$/),
    domains,
    aliases: place.get('aliases').list((each) => each.string({ max: 200 }), { max: 100 }),
    mailTypes: place
      .get('mailTypes')
      .list((each) => each.oneOf(['all', 'transaction', 'list']), { min: 1, max: 3 }),
  };
}

/** {@link readProposal} of a value that is no document yet. */
export function proposalFrom(value: unknown): Proposal {
  return readProposal(new PlaceOf(value));
}

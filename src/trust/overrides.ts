import { Place, parseStrictJson } from './json.ts';
import { isAtOrBelow } from './organization.ts';
import { domainName, reading } from './registry.ts';

/** A domain that the administrator trusts without a mediator. */
export type LocalTrust = {
  readonly domain: string;
  readonly includeSubdomains: boolean;
  /** The name to show; the domain when none is given. */
  readonly name: string;
};

/** A domain that the administrator does not want to trust, or does not want at all. */
export type LocalBlock = {
  readonly domain: string;
  readonly includeSubdomains: boolean;
  /** `all`: its mail is suspicious. `trust`: it only cannot be trusted, whoever vouches. */
  readonly from: 'all' | 'trust';
};

/** What the administrator decided, over every list (RG-9). Signed by nobody: whoever writes it decides. */
export type Overrides = {
  readonly trust: readonly LocalTrust[];
  readonly block: readonly LocalBlock[];
  readonly openSignup: { readonly add: readonly string[]; readonly remove: readonly string[] };
  /** Signing domains of ARC sealers that are believed. */
  readonly sealers: readonly string[];
};

/** A document of local decisions, which may name the registry that it stands beside. */
export type OverridesDocument = {
  /** Path of a registry document, relative to this one; null without. */
  readonly registry: string | null;
  readonly overrides: Overrides;
};

/** Nobody decided anything. */
export const NO_OVERRIDES: Overrides = {
  trust: [],
  block: [],
  openSignup: { add: [], remove: [] },
  sealers: [],
};

const LIMITS = { maxBytes: 1024 * 1024, maxDepth: 8 };
const MOST = { max: 10_000 };

/**
 * Whether a document holds local decisions rather than a registry.
 *
 * @returns false as well for what cannot be read: the reader of a registry says why
 */
export function isOverridesDocument(bytes: Uint8Array): boolean {
  if (bytes.length > LIMITS.maxBytes) return false;
  try {
    const value = parseStrictJson(bytes, LIMITS);
    return typeof value === 'object' && value !== null && Object.hasOwn(value, 'overrides');
  } catch {
    return false;
  }
}

/**
 * Read a document `{ registry?: path, overrides: { trust, block, openSignup: {add, remove}, sealers } }`.
 * Members that are not known are refused: a misspelt `block` would block nothing. Domains stand as strings,
 * or as objects where more is to be said: `{domain, includeSubdomains, name}` for trust (subdomains
 * excluded unless said), `{domain, includeSubdomains, from: "all"|"trust"}` for block (subdomains included).
 *
 * @throws {AppError} `E_REGISTRY`, exit 65, with the path of the first fault
 */
export function readOverrides(bytes: Uint8Array, name: string): OverridesDocument {
  return reading(name, () => documentFrom(new Place(parseStrictJson(bytes, LIMITS))));
}

function documentFrom(root: Place): OverridesDocument {
  root.only(['registry', 'overrides']);
  const place = root.get('overrides');
  place.only(['trust', 'block', 'openSignup', 'sealers']);
  const open = place.get('openSignup');
  open.or(undefined, (each) => each.only(['add', 'remove']));
  const names = (each: Place) => each.or([], (list) => list.list(domainName, MOST));
  return {
    registry: root.get('registry').or(null, (each) => each.string({ max: 4096 })),
    overrides: {
      trust: place.get('trust').or([], (each) => each.list(trustFrom, MOST)),
      block: place.get('block').or([], (each) => each.list(blockFrom, MOST)),
      openSignup: open.absent
        ? NO_OVERRIDES.openSignup
        : { add: names(open.get('add')), remove: names(open.get('remove')) },
      sealers: names(place.get('sealers')),
    },
  };
}

function trustFrom(place: Place): LocalTrust {
  if (typeof place.value === 'string') {
    const domain = domainName(place);
    return { domain, includeSubdomains: false, name: domain };
  }
  place.only(['domain', 'includeSubdomains', 'name']);
  const domain = domainName(place.get('domain'));
  return {
    domain,
    includeSubdomains: place.get('includeSubdomains').or(false, (each) => each.boolean()),
    name: place.get('name').or(domain, (each) => each.string({ max: 200 })),
  };
}

function blockFrom(place: Place): LocalBlock {
  if (typeof place.value === 'string') {
    return { domain: domainName(place), includeSubdomains: true, from: 'all' };
  }
  place.only(['domain', 'includeSubdomains', 'from']);
  return {
    domain: domainName(place.get('domain')),
    includeSubdomains: place.get('includeSubdomains').or(true, (each) => each.boolean()),
    from: place.get('from').or('all', (each) => each.oneOf(['all', 'trust'])),
  };
}

/** Whether a local decision reaches a domain. */
export function reaches(
  decision: { readonly domain: string; readonly includeSubdomains: boolean },
  domain: string,
): boolean {
  return decision.includeSubdomains ? isAtOrBelow(domain, decision.domain) : domain === decision.domain;
}

import { parseDomain } from '../dns/names.ts';
import { AppError, ExitCode } from '../errors.ts';
import type { Organization } from './facts.ts';
import { DocumentFault, Place, parseStrictJson } from './json.ts';
import type { Names } from './names.ts';
import { isPublicSuffix, withParents } from './organization.ts';

/** A domain of a listed company. */
export type ListedDomain = {
  readonly domain: string;
  readonly includeSubdomains: boolean;
  /** The signing domains that count, if not every aligned one; a signature is to be aligned all the same. */
  readonly dkimDomains: readonly string[] | null;
  /** The selectors that count; null: all. */
  readonly selectors: readonly string[] | null;
};

/** How the mediator made sure. */
export type Vetting = {
  readonly level: string;
  readonly checkedAtMs: number;
  readonly checkedBy: readonly string[];
  /** The domain is that company's alone, and nobody else's to send from. */
  readonly singleCompany: boolean;
  /** Anybody can get an address there: such an entry vouches for nobody. */
  readonly openSignup: boolean;
  readonly nextReviewMs: number;
};

/** A logo by its digest; the file lies beside the document. */
export type Logo = { readonly mediaType: string; readonly file: string; readonly sha256: string };

/** A company that a mediator vouches for, or no longer does. */
export type Entry = {
  readonly id: string;
  readonly organization: Organization;
  readonly domains: readonly ListedDomain[];
  /** Other names of the company, for telling who poses as it. */
  readonly aliases: readonly string[];
  /** RFC 5518 §5.3: `all`, `transaction`, `list`. */
  readonly mailTypes: readonly string[];
  readonly logo: Logo | null;
  readonly vetting: Vetting;
  readonly status: 'active' | 'suspended' | 'revoked';
  readonly validFromMs: number;
  readonly validUntilMs: number;
  readonly revokedAtMs: number | null;
  /** Why it was suspended or revoked. */
  readonly reason: string | null;
};

/** A mediator's list of trusted domains, with its look-up by domain. */
export type Registry = {
  readonly mediator: { readonly id: string; readonly name: string };
  readonly version: number;
  readonly issuedMs: number;
  readonly expiresMs: number;
  readonly entries: readonly Entry[];
  readonly byDomain: ByDomain;
  /** Who of the list may be posed as; left out: collected from the entries. */
  readonly names?: Names;
};

/** The look-up of {@link matches}; `size` is the number of domains. */
export type ByDomain = Pick<ReadonlyMap<string, readonly Listing[]>, 'get' | 'size'>;

/** One domain of one entry. */
export type Listing = { readonly entry: Entry; readonly listed: ListedDomain };

/** A listing that names the domain looked up or one above it. */
export type Match = Listing & {
  /** The listing reaches this domain: it names it, or a domain above it with its subdomains. */
  readonly covers: boolean;
};

const FORMAT = 'trusted-domains/1';
const LIMITS = { maxBytes: 64 * 1024 * 1024, maxDepth: 8 };

/**
 * Read a registry document of format `trusted-domains/1`. Members that are not known are left alone, as
 * later versions may add some; what is known has to be right.
 *
 * @param name  what the document is called in a complaint: its file
 * @throws {AppError} `E_REGISTRY`, exit 65, with the path of the first fault
 */
export function readRegistry(bytes: Uint8Array, name: string): Registry {
  return reading(name, () => registryFrom(new Place(parseStrictJson(bytes, LIMITS))));
}

/** Turn a fault of a document into what the user is told. */
export function reading<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof DocumentFault)) throw error;
    throw new AppError(`The list of trusted domains '${name}' cannot be used: ${error.message}.`, {
      code: 'E_REGISTRY',
      exit: ExitCode.input,
      hint: 'Nothing was taken from it. examples/trust in the package shows the form.',
      cause: error,
    });
  }
}

/**
 * Read one entry of a document that was read as a whole before.
 *
 * @throws {DocumentFault} with the path of the fault
 */
export function readEntry(bytes: Uint8Array): Entry {
  return entryFrom(new Place(parseStrictJson(bytes, LIMITS)));
}

function registryFrom(root: Place): Registry {
  const format = root.get('format');
  if (format.value !== FORMAT) format.fail(`is not ${FORMAT}`);
  const mediator = root.get('mediator');
  const issuedMs = root.get('issued').time();
  const expires = root.get('expires');
  const expiresMs = expires.time('end');
  if (expiresMs <= issuedMs) expires.fail('is not after "issued"');
  const entries = root.get('entries').list(entryFrom);
  refuseTwins(entries);
  return {
    mediator: {
      id: identifier(mediator.get('id')),
      name: mediator.get('name').string({ max: 200 }),
    },
    version: root.get('version').count(),
    issuedMs,
    expiresMs,
    entries,
    byDomain: indexByDomain(entries),
  };
}

/** The look-up of {@link matches}. */
export function indexByDomain(entries: readonly Entry[]): ReadonlyMap<string, readonly Listing[]> {
  const index = new Map<string, Listing[]>();
  for (const entry of entries) {
    for (const listed of entry.domains) {
      const there = index.get(listed.domain);
      if (there) there.push({ entry, listed });
      else index.set(listed.domain, [{ entry, listed }]);
    }
  }
  return index;
}

function refuseTwins(entries: readonly Entry[]): void {
  const seen = new Set<string>();
  for (const [index, { id }] of entries.entries()) {
    if (seen.has(id)) throw new DocumentFault(`entries[${index}].id`, `'${id}' stands there twice`);
    seen.add(id);
  }
}

function entryFrom(place: Place): Entry {
  const organization = place.get('organization');
  const validFromMs = place.get('validFrom').time();
  const validUntil = place.get('validUntil');
  const validUntilMs = validUntil.time('end');
  if (validUntilMs <= validFromMs) validUntil.fail('is not after "validFrom"');
  return {
    id: identifier(place.get('id')),
    organization: {
      name: organization.get('name').string({ max: 200 }),
      legalName: organization.get('legalName').or(null, (each) => each.string({ max: 200 })),
      country: organization.get('country').or(null, (each) => each.string({ of: /^[A-Z]{2}$/ })),
      website: organization.get('website').or(null, (each) => each.string({ of: /^https:\/\/\S+$/ })),
    },
    domains: domainsFrom(place.get('domains')),
    aliases: place
      .get('aliases')
      .or([], (each) => each.list((alias) => alias.string({ max: 200 }), { max: 100 })),
    mailTypes: place.get('mailTypes').list((each) => each.oneOf(['all', 'transaction', 'list']), { min: 1 }),
    logo: place.get('logo').or(null, (each) => (each.value === null ? null : logoFrom(each))),
    vetting: vettingFrom(place.get('vetting')),
    status: place.get('status').oneOf(['active', 'suspended', 'revoked']),
    validFromMs,
    validUntilMs,
    revokedAtMs: place.get('revokedAt').or(null, (each) => each.time()),
    reason: place.get('reason').or(null, (each) => each.string()),
  };
}

/** Ids become a part of reason codes. */
function identifier(place: Place): string {
  return place.string({ max: 100, of: /^[A-Za-z0-9][A-Za-z0-9._-]*$/ });
}

function domainsFrom(place: Place): readonly ListedDomain[] {
  const domains = place.list(domainFrom, { min: 1, max: 10_000 });
  const names = domains.map(({ domain }) => domain);
  const twin = names.findIndex((name, index) => names.indexOf(name) < index);
  if (twin !== -1)
    throw new DocumentFault(`${place.path}[${twin}].domain`, `'${names[twin]}' stands there twice`);
  return domains;
}

function domainFrom(place: Place): ListedDomain {
  return {
    domain: domainName(place.get('domain')),
    includeSubdomains: place.get('includeSubdomains').or(false, (each) => each.boolean()),
    dkimDomains: place.get('dkimDomains').or(null, (each) => each.list(domainName, { min: 1, max: 100 })),
    selectors: place.get('selectors').or(null, (each) => each.list(selector, { min: 1, max: 100 })),
  };
}

/** A domain in its one canonical form: A-labels, lower case, no final dot. */
export function domainName(place: Place): string {
  const text = place.string({ max: 253 });
  const parsed = parseDomain(text, { underscores: true });
  if (parsed.kind === 'invalid') return place.fail(`'${text}' ${parsed.reason}`);
  if (parsed.ascii !== text) return place.fail(`'${text}' is to be written '${parsed.ascii}'`);
  if (!text.includes('.')) return place.fail(`'${text}' is a top-level domain`);
  return text;
}

function selector(place: Place): string {
  return place.string({ max: 253, of: /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?$/ }).toLowerCase();
}

function logoFrom(place: Place): Logo {
  return {
    mediaType: place.get('mediaType').oneOf(['image/svg+xml', 'image/png']),
    // A file beside the document: no folder, nothing that leads elsewhere.
    file: place.get('file').string({ max: 200, of: /^[A-Za-z0-9][A-Za-z0-9._-]*$/ }),
    sha256: place.get('sha256').string({ of: /^[0-9a-f]{64}$/ }),
  };
}

function vettingFrom(place: Place): Vetting {
  return {
    level: place.get('level').string({ max: 100 }),
    checkedAtMs: place.get('checkedAt').time(),
    checkedBy: place.get('checkedBy').list((each) => each.string({ max: 200 }), { min: 1, max: 20 }),
    singleCompany: place.get('singleCompany').boolean(),
    openSignup: place.get('openSignup').boolean(),
    nextReviewMs: place.get('nextReview').time('end'),
  };
}

/**
 * Listings that name a domain or one above it, the nearest name first. One hash look-up a label.
 *
 * A listing of a public suffix never reaches what is below it: anybody can get a name there.
 */
export function matches({ byDomain }: Pick<Registry, 'byDomain'>, domain: string): readonly Match[] {
  const found: Match[] = [];
  for (const name of withParents(domain)) {
    for (const { entry, listed } of byDomain.get(name) ?? []) {
      const covers = name === domain || (listed.includeSubdomains && !isPublicSuffix(name));
      found.push({ entry, listed, covers });
    }
  }
  return found;
}

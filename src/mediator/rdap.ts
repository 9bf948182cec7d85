import { type Place, Place as PlaceOf, parseStrictJson } from '../trust/json.ts';

/** What is known about the registration of a domain. */
export type Registration =
  | {
      readonly kind: 'found';
      /** null when the registry does not say. */
      readonly expiresMs: number | null;
      /** RFC 8056, such as `pending delete`. */
      readonly status: readonly string[];
    }
  | { readonly kind: 'absent' }
  /** `reason` is a sentence. */
  | { readonly kind: 'unknown'; readonly reason: string }
  /** Nobody was asked. */
  | { readonly kind: 'unasked' };

/** What an RDAP document is about. */
export type RdapDocument =
  | { readonly kind: 'domain'; readonly domain: string; readonly registration: Registration }
  /** Servers by top-level domain (RFC 9224). */
  | { readonly kind: 'bootstrap'; readonly servers: ReadonlyMap<string, URL> };

export const MAX_RDAP_BYTES = 1024 * 1024;
const MAX_DEPTH = 24;
const MAX_LIST = 5000;

/**
 * Read the answer of a registry about a domain (RFC 9083 §5.3), or the file that names the registries (RFC 9224 §4).
 *
 * @throws {DocumentFault} when it is neither
 */
export function readRdap(bytes: Uint8Array): RdapDocument {
  const place = new PlaceOf(parseStrictJson(bytes, { maxBytes: MAX_RDAP_BYTES, maxDepth: MAX_DEPTH }));
  const services = place.get('services');
  if (!services.absent) return { kind: 'bootstrap', servers: new Map(services.list(service).flat()) };
  if (place.get('objectClassName').value !== 'domain') place.get('objectClassName').fail('is not "domain"');
  const domain = place.get('ldhName').string({ max: 254 }).toLowerCase().replace(/\.$/, '');
  return { kind: 'domain', domain, registration: registrationIn(place) };
}

function registrationIn(place: Place): Registration {
  const events = place.get('events').or([], (each) => each.list(event, { max: MAX_LIST }));
  const ends = events.flatMap(({ action, date }) => (action === 'expiration' ? [date.time()] : []));
  const status = place
    .get('status')
    .or([], (each) => each.list((word) => word.string({ max: 100 }), { max: 100 }));
  return {
    kind: 'found',
    expiresMs: ends.length === 0 ? null : Math.min(...ends),
    status: status.map((word) => word.toLowerCase()),
  };
}

function event(place: Place) {
  return { action: place.get('eventAction').string({ max: 100 }), date: place.get('eventDate') };
}

/** A pair of lists: top-level domains, and addresses of their servers. */
function service(place: Place): readonly (readonly [string, URL])[] {
  const [names, urls] = place.list((each) =>
    each.list((text) => text.string({ max: 1000 }), { max: MAX_LIST }),
  );
  const url = (urls ?? []).find((text) => URL.canParse(text) && new URL(text).protocol === 'https:');
  if (names === undefined || url === undefined) return [];
  return names.map((name) => [name.toLowerCase(), new URL(url)]);
}

/** Where a registry is asked about a domain (RFC 9082 §3.1.3). */
export function rdapUrl(server: URL, domain: string): URL {
  const base = server.href.endsWith('/') ? server.href : `${server.href}/`;
  return new URL(`domain/${encodeURIComponent(domain)}`, base);
}

import { type Client, clientOf, namedClient } from './client.ts';
import { grown } from './counters.ts';
import { isAsset, isReferred, isTool, type LogEntry } from './log/entry.ts';

/** One client on one site, and what its requests look like. */
export type Visitor = {
  /** From 0, in the order in which they appear. */
  readonly number: number;
  readonly site: number;
  readonly siteName: string | null;
  readonly client: Client;
  requests: number;
  bytes: number;
  pages: number;
  assets: number;
  /** Requests that came from a page. */
  referred: number;
  /** Requests of programs that say so, or say nothing. */
  byTool: number;
  /** The most within one window. */
  peakRequests: number;
  peakBytes: number;
};

/** How a log names a client and a site, and who that is in a simulation. */
export type Spelling = Pick<LogEntry, 'client' | 'site'> & {
  /** Number of the visitor, or one of the two below. */
  visitor: number;
};

/** Nobody has looked yet who it is, or it is on a site that nobody asked about. */
export const UNKNOWN = -1;
export const ELSEWHERE = -2;

/** What counts of a request when a log is simulated. */
export type Request = Pick<LogEntry, 'timeMs' | 'bytes'> & {
  readonly who: Spelling;
  /** Something that a page brings along, such as a picture. */
  readonly isAsset: boolean;
  /** It came from a page. */
  readonly isReferred: boolean;
  /** It came from a program that says so, or says nothing. */
  readonly isTool: boolean;
};

/** What counts of an entry. */
export function requestOf(entry: LogEntry): Request {
  const { timeMs, client, site, bytes, userAgent } = entry;
  return {
    timeMs,
    who: { client, site, visitor: UNKNOWN },
    bytes,
    isAsset: isAsset(entry.request),
    isReferred: isReferred(entry.referer),
    isTool: userAgent !== null && isTool(userAgent),
  };
}

/** Most sites that are kept apart: a client that invents Host fields must not get a quota for each. */
const MOST_SITES = 10_000;

/** Numbers that are kept of what the requests of a visitor look like. */
const LOOKS = 5;

/** More than one request a second over a whole window is no reading. */
const MOST_BY_HAND = 600;

/**
 * Whether it reads like a person with a browser: pages with what belongs to them, coming from one another, at the
 * pace of a hand, under the name of a browser. No proof, but what a person does without trying.
 */
export function looksHuman({ pages, assets, referred, byTool, peakRequests }: Visitor): boolean {
  return pages > 0 && assets > 0 && referred > 0 && byTool === 0 && peakRequests <= MOST_BY_HAND;
}

/** What the requests of numbered visitors look like, added up: what belongs to one lies together. */
class Looks {
  private sums = new Float64Array(1024 * LOOKS);

  note(visitor: number, { bytes, isAsset, isReferred, isTool }: Request): void {
    const at = visitor * LOOKS;
    if (at + LOOKS > this.sums.length) this.sums = grown(this.sums, (at + LOOKS) * 2);
    const { sums } = this;
    sums[at] = (sums[at] ?? 0) + 1;
    sums[at + 1] = (sums[at + 1] ?? 0) + bytes;
    if (isAsset) sums[at + 2] = (sums[at + 2] ?? 0) + 1;
    if (isReferred) sums[at + 3] = (sums[at + 3] ?? 0) + 1;
    if (isTool) sums[at + 4] = (sums[at + 4] ?? 0) + 1;
  }

  tell(visitor: Visitor): void {
    const at = visitor.number * LOOKS;
    const { sums } = this;
    visitor.requests = sums[at] ?? 0;
    visitor.bytes = sums[at + 1] ?? 0;
    visitor.assets = sums[at + 2] ?? 0;
    visitor.pages = visitor.requests - visitor.assets;
    visitor.referred = sums[at + 3] ?? 0;
    visitor.byTool = sums[at + 4] ?? 0;
  }
}

type Site = {
  readonly number: number;
  readonly name: string | null;
  readonly visitors: Map<string, Visitor>;
};

/** Everybody who is named in a log, each once. */
export class Visitors {
  readonly all: Visitor[] = [];
  private readonly looks = new Looks();
  private readonly prefix: number | undefined;
  private readonly sites = new Map<string | null, Site>();
  private readonly rest: Site = { number: 0, name: 'other', visitors: new Map() };
  private names = 0;

  /** @param prefix  bits of an IPv6 address that make one client */
  constructor(prefix?: number) {
    this.prefix = prefix;
  }

  get siteCount(): number {
    return this.sites.size;
  }

  /** Who this is. @param siteName  null where the log does not tell */
  of(client: string, siteName: string | null): Visitor {
    const site = this.siteOf(siteName);
    return site.visitors.get(client) ?? this.meet(site, client);
  }

  /** Add a request to what a visitor's look like. */
  note(visitor: number, request: Request): void {
    this.looks.note(visitor, request);
  }

  /** Everybody, with what was noted. */
  noted(): readonly Visitor[] {
    for (const visitor of this.all) this.looks.tell(visitor);
    return this.all;
  }

  private siteOf(name: string | null): Site {
    const known = this.sites.get(name);
    if (known) return known;
    if (this.sites.size >= MOST_SITES) return this.rest;
    const site = { number: this.sites.size + 1, name, visitors: new Map() };
    this.sites.set(name, site);
    return site;
  }

  /** Addresses that are one client, such as those of a /64, are one visitor. */
  private meet(site: Site, spelling: string): Visitor {
    // A copy: a part of a line would keep the whole piece of the log in memory.
    const own = Buffer.from(spelling, 'latin1').toString('latin1');
    const address = clientOf(own, this.prefix);
    const same = address === null ? undefined : site.visitors.get(address.text);
    const visitor = same ?? this.create(site, address ?? namedClient(own, this.names++));
    site.visitors.set(own, visitor);
    if (own !== visitor.client.text) site.visitors.set(visitor.client.text, visitor);
    return visitor;
  }

  private create({ number: site, name }: Site, client: Client): Visitor {
    const number = this.all.length;
    const counts = { requests: 0, bytes: 0, pages: 0, assets: 0, referred: 0, byTool: 0 };
    const visitor = { number, site, siteName: name, client, ...counts, peakRequests: 0, peakBytes: 0 };
    this.all.push(visitor);
    return visitor;
  }
}

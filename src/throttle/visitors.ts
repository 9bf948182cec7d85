import { type Client, clientOf, namedClient } from './client.ts';
import type { Request } from './log/entry.ts';

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

/** Most sites that are kept apart: a client that invents Host fields must not get a quota for each. */
const MOST_SITES = 10_000;

/** More than one request a second over a whole window is no reading. */
const MOST_BY_HAND = 600;

/**
 * Whether it reads like a person with a browser: pages with what belongs to them, coming from one another, at the
 * pace of a hand, under the name of a browser. No proof, but what a person does without trying.
 */
export function looksHuman({ pages, assets, referred, byTool, peakRequests }: Visitor): boolean {
  return pages > 0 && assets > 0 && referred > 0 && byTool === 0 && peakRequests <= MOST_BY_HAND;
}

type Site = {
  readonly number: number;
  readonly name: string | null;
  readonly visitors: Map<string, Visitor>;
};

/** Everybody who is named in a log, each once. */
export class Visitors {
  readonly all: Visitor[] = [];
  private readonly prefix: number | undefined;
  private readonly sites = new Map<string | null, Site>();
  private readonly rest: Site = { number: 0, name: 'other', visitors: new Map() };
  private last: Site | null = null;
  private names = 0;

  /** @param prefix  bits of an IPv6 address that make one client */
  constructor(prefix?: number) {
    this.prefix = prefix;
  }

  get siteCount(): number {
    return this.sites.size;
  }

  /** Whose request this is. @param siteName  null where the log does not tell */
  of(request: Request, siteName: string | null): Visitor {
    const site = siteName === this.last?.name ? this.last : this.siteOf(siteName);
    this.last = site;
    const visitor = site.visitors.get(request.client) ?? this.meet(site, request.client);
    visitor.requests += 1;
    visitor.bytes += request.bytes;
    if (request.isAsset) visitor.assets += 1;
    else visitor.pages += 1;
    if (request.isReferred) visitor.referred += 1;
    if (request.isTool) visitor.byTool += 1;
    return visitor;
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
    const address = clientOf(spelling, this.prefix);
    // A copy: a part of a line would keep the whole piece of the log in memory.
    const own = Buffer.from(spelling, 'latin1').toString('latin1');
    const same = address === null ? undefined : site.visitors.get(address.text);
    const visitor = same ?? this.create(site, address ?? namedClient(own, this.names++));
    site.visitors.set(own, visitor);
    site.visitors.set(visitor.client.text, visitor);
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

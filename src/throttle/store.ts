import type { Block } from './engine.ts';
import type { Site } from './site.ts';

/** Who is never refused. */
export type Exemption = {
  readonly network: string;
  /** Name of the site; null for all. */
  readonly site: string | null;
  readonly reason: string;
  /** Milliseconds since the epoch; null for ever. */
  readonly untilMs: number | null;
};

/** The request that began a block. */
export type Tipping = { readonly method: string; readonly path: string; readonly userAgent: string };

export type StoredBlock = { readonly block: Block; readonly tipping: Tipping | null };

/** Served and refused, of one site in one minute. */
export type Traffic = {
  readonly site: number;
  /** Minutes since the epoch. */
  readonly minute: number;
  readonly servedRequests: number;
  readonly servedBytes: number;
  readonly refusedRequests: number;
};

export type TrafficSum = Omit<Traffic, 'site' | 'minute'>;

/** When a site or an exemption was last changed or removed, and since when this machine shares with others. */
export type Change = {
  readonly kind: 'site' | 'exemption' | 'share';
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly atMs: number;
};

/** What has to survive a restart. Every method has written when it returns. */
export type Store = {
  sites(): Site[];
  saveSite(site: Site): void;
  removeSite(number: number): void;
  exemptions(): Exemption[];
  saveExemption(exemption: Exemption): void;
  /** @returns whether there was one */
  removeExemption(network: string, site: string | null): boolean;
  blocks(): StoredBlock[];
  saveBlock(stored: StoredBlock): void;
  removeBlock(site: number, client: string): void;
  /** Forget what ended before. */
  prune(nowMs: number): void;
  addTraffic(rows: readonly Traffic[]): void;
  traffic(site: number, sinceMinute: number): TrafficSum;
  /** Do several writes as one, and nothing of them when one throws. */
  together(work: () => void): void;
  changes(): Change[];
  saveChange(change: Change): void;
  audit(entry: {
    readonly atMs: number;
    readonly action: string;
    readonly subject: string;
    readonly detail: string;
  }): void;
  close(): void;
};

import type { Figures } from '../warden.ts';
import type { Counts } from './runtime.ts';

/** Most clients that are read at a time; of more there are, those with the most requests or bytes. */
export const MOST_CLIENTS = 20_000;

/** Requests at which a client is looked at when there are too many, and bytes for each of them that count as much. */
const SMALLEST_FLOOR = 10;
const BYTES_PER_REQUEST = 20_000;

const NONE: Figures = {
  served: 0,
  bytes: 0,
  refused: 0,
  wouldRefuse: 0,
  overBudget: 0,
  free: 0,
  freeBytes: 0,
};

/** What was added to a count since it was read last; one that is smaller than then began anew. */
function added(now: number, before: number | undefined): number {
  return before === undefined || now < before ? now : now - before;
}

/** What the table of sums says of a key such as `www.example.org|refused`, in the words of the service. */
function figuresOf(kind: string, requests: number, bytes: number): Figures {
  switch (kind) {
    case '':
      return { ...NONE, served: requests, bytes };
    case 'free':
      return { ...NONE, free: requests, freeBytes: bytes };
    case 'dry':
      return { ...NONE, free: requests, freeBytes: bytes, wouldRefuse: requests };
    case 'refused':
      return { ...NONE, refused: requests };
    case 'over':
      return { ...NONE, refused: requests, overBudget: requests };
    default:
      return NONE;
  }
}

/** What the sites of one HAProxy served and refused since they were looked at last. */
export class SiteFigures {
  private before: ReadonlyMap<string, Counts> | null = null;

  /** Take what the table says now. @returns what was added: name in the table, figures */
  take(rows: readonly Counts[]): (readonly [site: string, figures: Figures])[] {
    const { before } = this;
    this.before = new Map(rows.map((row) => [row.key, row]));
    // What it counted before this service looked at it belongs to the figures of nobody knows when.
    if (before === null) return [];
    return rows.flatMap(({ key, requests, bytes }) => {
      const last = before.get(key);
      const [site = '', kind = ''] = key.split('|');
      const more = added(requests, last?.requests);
      const size = added(bytes, last?.bytes);
      return more === 0 && size === 0 ? [] : [[site, figuresOf(kind, more, size)] as const];
    });
  }

  /** Another process counts from nought. */
  restart(): void {
    if (this.before !== null) this.before = new Map();
  }
}

/** What a client had from a site in one window of the clock. */
export type ClientCounts = {
  /** Name in the table. */
  readonly site: string;
  readonly client: string;
  readonly windowStart: number;
  readonly requests: number;
  readonly bytes: number;
  /** It is looked at for the first time, so the numbers are all that there is. */
  readonly isFirst: boolean;
};

/**
 * What the clients of one HAProxy had since they were looked at last. While there are few, all are read; of a flood
 * only those whose requests or bytes are above a floor, which rises and falls with how many those are.
 */
export class ClientFigures {
  private before: ReadonlyMap<string, Counts> = new Map();
  private floor = 0;

  /** What to ask of a table: nothing but its name, or also what an entry has to have. */
  filters(): readonly string[] {
    if (this.floor === 0) return [''];
    return [
      ` data.http_req_cnt gt ${this.floor}`,
      ` data.bytes_out_cnt gt ${this.floor * BYTES_PER_REQUEST}`,
    ];
  }

  /** Set the floor for the next time. @param used  entries of the table; @param isWhole  whether all came that were asked for */
  adjust(used: number, read: number, isWhole: boolean): void {
    if (used <= MOST_CLIENTS) this.floor = 0;
    else if (!isWhole || read > MOST_CLIENTS) this.floor = Math.max(SMALLEST_FLOOR, this.floor * 2);
    else if (read < MOST_CLIENTS / 8) this.floor = Math.max(SMALLEST_FLOOR, Math.floor(this.floor / 2));
  }

  /** Take what the table says now. @returns what was added, of windows that are not over */
  take(rows: readonly Counts[], windowSeconds: number, nowSeconds: number): ClientCounts[] {
    const { before } = this;
    this.before = new Map(rows.map((row) => [row.key, row]));
    return rows.flatMap(({ key, requests, bytes }) => {
      const [, site = '', client = '', number = ''] = /^([^|]*)\|([^|]*)\|(\d{1,12})$/.exec(key) ?? [];
      const windowStart = Number(number) * windowSeconds;
      if (client === '' || windowStart + windowSeconds <= nowSeconds) return [];
      const last = before.get(key);
      const more = added(requests, last?.requests);
      const size = added(bytes, last?.bytes);
      if (more === 0 && size === 0) return [];
      return [{ site, client, windowStart, requests: more, bytes: size, isFirst: last === undefined }];
    });
  }
}

import { isSame } from './bytes.ts';
import { ByteCache } from './cache.ts';
import { BELOW_REQUEST, HEADERS, NAMES } from './json.ts';

/** What is read of a line. */
export const CATEGORIES = ['client', 'time', 'bytes', 'site', 'request', 'referer', 'agent'] as const;
export const CATEGORY = { client: 0, time: 1, bytes: 2, site: 3, request: 4, referer: 5, agent: 6 } as const;

/** The place of what is below `request` goes before that of the same name above. */
const ABOVE = 32;

/** The rank of what a line does not have. */
export const NOT_FOUND = 255;

/** Names of members of one object that are remembered, and how long they may be. */
const MOST_NAMES = 256;
const LONGEST_NAME = 48;

/** What a member of an object says. */
export type Role = {
  readonly category: number;
  /** The least counts. */
  readonly rank: number;
  /** It is the first of a list. */
  readonly isListed: boolean;
  /** What the members of it say, if it is an object. */
  readonly below: Members;
  /** Line in which it was seen last. */
  line: number;
};

/** The name of a member, and the one that followed it last: a log has its members in one order. */
export class Name {
  readonly role: Role | null;
  /** Bytes from one quote to behind the colon. */
  readonly length: number;
  private readonly written: DataView;
  private next: Name | null = null;

  constructor(name: string, role: Role | null) {
    this.role = role;
    const bytes = Buffer.from(`"${name}":`, 'latin1');
    this.written = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.length = bytes.length;
  }

  /** The name that is expected behind this one, if it stands there indeed, with its quotes and a colon. */
  guess(bytes: DataView, at: number, end: number): Name | null {
    const { next } = this;
    return next !== null && at + next.length <= end && isSame(next.written, 0, bytes, at, next.length)
      ? next
      : null;
  }

  follow(next: Name): void {
    this.next = next;
  }
}

/** The members that an object may have. */
export class Members {
  /** Comes before the first. */
  readonly begin = new Name('', null);
  private readonly names: ByteCache<Name>;

  constructor(roles: ReadonlyMap<string, Role> = new Map()) {
    this.names = new ByteCache(
      MOST_NAMES,
      MOST_NAMES,
      LONGEST_NAME,
      (name) => new Name(name, roles.get(name) ?? null),
    );
  }

  named(bytes: DataView, from: number, to: number): Name {
    return this.names.get(bytes, from, to);
  }
}

type Named = readonly [name: string, role: Role];

/** The members of a line, and of an object in it that says nothing. */
export function membersOfLine(): { readonly line: Members; readonly nothing: Members } {
  const nothing = new Members();
  const role = (category: number, rank: number): Role => {
    return { category, rank, isListed: false, below: nothing, line: -1 };
  };
  const rolesOf = (categories: readonly (typeof CATEGORIES)[number][], above: number) =>
    categories.flatMap((category) =>
      NAMES[category].map((name, rank): Named => [name, role(CATEGORY[category], above + rank)]),
    );
  const headers = new Members(
    new Map([
      [HEADERS.referer, { ...role(CATEGORY.referer, 0), isListed: true }],
      [HEADERS.agent, { ...role(CATEGORY.agent, 0), isListed: true }],
    ]),
  );
  const below = new Members(
    new Map([
      ...rolesOf(BELOW_REQUEST, 0),
      ['headers', { ...role(CATEGORY.request, NOT_FOUND), below: headers }],
    ]),
  );
  const roles = new Map(rolesOf(CATEGORIES, ABOVE));
  const request = roles.get('request');
  if (request) roles.set('request', { ...request, below });
  return { line: new Members(roles), nothing };
}

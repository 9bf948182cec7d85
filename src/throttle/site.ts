import { AppError, ExitCode } from '../errors.ts';
import { DEFAULT_PRESET, type Limits, limitsOf } from './limits.ts';
import { siteName } from './site-name.ts';

/** Refuse, only report what would be refused, or look away. */
export const MODES = ['enforce', 'dry', 'off'] as const;

export type Mode = (typeof MODES)[number];

/** What an error page is sent with: 429 (RFC 6585 §4), or 503 for clients that know nothing else. */
export type RefusalStatus = 429 | 503;

export type Policy = { readonly limits: Limits; readonly mode: Mode };

export type Site = {
  /** Of the engine; a site keeps it. 0 is every name that is not known. */
  readonly number: number;
  readonly name: string;
  readonly aliases: readonly string[];
  readonly policy: Policy;
  /** Another policy until then, in milliseconds since the epoch. */
  readonly temporary: (Policy & { readonly untilMs: number }) | null;
  /** What all clients together may have in a window; null when there is no such limit. */
  readonly budget: Limits | null;
  readonly refusal: RefusalStatus;
  readonly note: string;
};

/** Name of the site that takes whatever no other does, so that invented names share one quota. */
export const OTHER = 'other';

/** Most sites, and most aliases of one. */
export const MOST_SITES = 100_000;
const MOST_ALIASES = 100;

/** Longest note, in characters. */
const LONGEST_NOTE = 500;

/** A new site, which takes the loosest preset. */
export function newSite(number: number, name: string): Site {
  const policy = { limits: limitsOf(DEFAULT_PRESET), mode: 'enforce' as const };
  return { number, name, aliases: [], policy, temporary: null, budget: null, refusal: 429, note: '' };
}

/** The policy that holds now. */
export function policyOf({ policy, temporary }: Site, nowMs: number): Policy {
  return temporary !== null && nowMs < temporary.untilMs ? temporary : policy;
}

/** @throws AppError E_SITE (exit 64) */
export function checkedName(text: string): string {
  const name = siteName(text);
  if (name !== null) return name;
  throw new AppError(`'${text}' is no name of a site.`, {
    code: 'E_SITE',
    exit: ExitCode.usage,
    hint: 'Give a host name, such as www.example.org.',
  });
}

/** Names and a note that a person typed, as they are kept. @throws AppError E_SITE (exit 64) */
export function checkedDetails(
  aliases: readonly string[],
  note: string,
): { readonly aliases: readonly string[]; readonly note: string } {
  if (aliases.length > MOST_ALIASES || note.length > LONGEST_NOTE) {
    throw new AppError(
      `A site has at most ${MOST_ALIASES} aliases and a note of ${LONGEST_NOTE} characters.`,
      {
        code: 'E_SITE',
        exit: ExitCode.usage,
      },
    );
  }
  return { aliases: [...new Set(aliases.map(checkedName))], note };
}

/** Every site by its names. */
export class Sites {
  private readonly byNumber = new Map<number, Site>();
  private readonly byName = new Map<string, Site>();

  constructor(sites: Iterable<Site>) {
    for (const site of sites) this.put(site);
    if (!this.byNumber.has(0)) this.put(newSite(0, OTHER));
  }

  /** In the order of their names, the rest of the world last. */
  all(): Site[] {
    const rank = ({ number, name }: Site) => (number === 0 ? '\uffff' : name);
    return [...this.byNumber.values()].sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
  }

  get other(): Site {
    return this.byNumber.get(0) ?? newSite(0, OTHER);
  }

  at(number: number): Site {
    return this.byNumber.get(number) ?? this.other;
  }

  /** The site that a Host field means; {@link OTHER} when none does. */
  ofHost(host: string | undefined): Site {
    // Most write a name as it stands here.
    const known = this.byName.get(host ?? '');
    if (known) return known;
    const name = siteName(host ?? '');
    return (name === null ? undefined : this.byName.get(name)) ?? this.other;
  }

  /** @throws AppError E_NOT_FOUND (exit 64) when there is no such site */
  named(name: string): Site {
    const site = this.byName.get(siteName(name) ?? name);
    if (site) return site;
    throw new AppError(`There is no site '${name}'.`, {
      code: 'E_NOT_FOUND',
      exit: ExitCode.usage,
      hint: `"throttle site list" lists them; "throttle site add ${siteName(name) ?? 'NAME'}" adds one.`,
    });
  }

  has(name: string): boolean {
    return this.byName.has(name);
  }

  /** A number that no site has. */
  nextNumber(): number {
    return Math.max(0, ...this.byNumber.keys()) + 1;
  }

  /** Take a site, in place of the one with its number. @throws AppError E_EXISTS (exit 64) when a name is taken */
  put(site: Site): void {
    const names = [site.name, ...site.aliases];
    const taken = names.find((name) => (this.byName.get(name) ?? site).number !== site.number);
    if (taken !== undefined) {
      throw new AppError(`There is a site '${taken}' already.`, {
        code: 'E_EXISTS',
        exit: ExitCode.usage,
        hint: `"throttle site show ${taken}" shows it.`,
      });
    }
    this.drop(site.number);
    this.byNumber.set(site.number, site);
    for (const name of names) this.byName.set(name, site);
  }

  drop(number: number): void {
    const site = this.byNumber.get(number);
    if (!site) return;
    for (const name of [site.name, ...site.aliases]) this.byName.delete(name);
    this.byNumber.delete(number);
  }
}

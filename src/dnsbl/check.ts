import { boundedResolver } from '../dns/bounded.ts';
import type { Resolver } from '../dns/types.ts';
import { CATALOGUE } from './catalogue.ts';
import { type Asking, askList, type ListTest, testList } from './lookup.ts';
import { type ResolverView, viewResolver } from './resolver.ts';
import type { DnsList, ListResult, Subject } from './types.ts';

export type DnsblOptions = {
  readonly dns: Resolver;
  /** Without any: those of the catalogue that are asked as a rule. */
  readonly lists?: readonly DnsList[];
  /** Key of Spamhaus' data query service, which stands in the names that are asked. */
  readonly key?: string | null;
  /** A name that does not exist, made up for this run. */
  readonly madeUp: string;
};

/** What all lists say of one subject. */
export type DnsblAnswer = {
  readonly subject: Subject;
  readonly resolver: ResolverView;
  /** In the order of the lists that take such a subject. */
  readonly lists: readonly ListResult[];
};

/** For one subject: three seconds for a question, ten for all of them. */
const BOUNDS = { queries: 500, questionMs: 3000, totalMs: 10_000 };

/**
 * Ask lists about addresses and domains, all of them at once. Each list is tested first, once for all subjects
 * (RFC 5782 §5); what one that fails says is not looked at. Never throws for what lists or the DNS do.
 *
 * @returns a function that asks about one subject, within 10 seconds
 */
export function openDnsbl(options: DnsblOptions): (subject: Subject) => Promise<DnsblAnswer> {
  const lists = options.lists ?? CATALOGUE.filter(({ standard }) => standard);
  const tests = new Map<string, Promise<ListTest>>();
  let view: Promise<ResolverView> | undefined;

  function test(list: DnsList, subject: Subject, asking: Asking): Promise<ListTest> {
    const key = `${list.zone} ${subject.kind}`;
    const known = tests.get(key) ?? testList(list, subject, asking);
    tests.set(key, known);
    return known;
  }

  return async (subject) => {
    const asking = { dns: boundedResolver(options.dns, BOUNDS), key: options.key ?? null };
    view ??= viewResolver(asking.dns, options.madeUp);
    const asked = lists.filter(({ takes }) => takes.includes(subject.kind));
    const results = asked.map(async (list): Promise<ListResult> => {
      const { zone, title, purpose, removal } = list;
      const [tested, answer] = await Promise.all([
        test(list, subject, asking),
        askList(list, subject, asking),
      ]);
      return { zone, title, purpose, removal, ...(tested.usable ? answer : tested.answer) };
    });
    return { subject, resolver: await view, lists: await Promise.all(results) };
  };
}

/** Programs for which a remedy can be written down. */
export const PROGRAMS = ['postfix', 'exim', 'exchange', 'bind'] as const;

export type Program = (typeof PROGRAMS)[number];

/** What an administrator should know about one check. */
export type Explanation = {
  /** Of the check; a contract with scripts. */
  readonly id: string;
  /** What is looked at. */
  readonly what: string;
  /** Why it matters. */
  readonly why: string;
  /** What to do when it is not ok. */
  readonly fix: string;
  /** The same in the words of single programs, where it applies. */
  readonly programs?: Readonly<Partial<Record<Program, string>>>;
  /** Where it is laid down. */
  readonly ref?: string;
};

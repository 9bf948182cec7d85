import type { Reply } from './reply.ts';

/** What a server said to EHLO (RFC 5321 §4.1.1.1). */
export type Ehlo = {
  /** The name it gives itself. */
  readonly name: string;
  /** Keyword in upper case → its parameters. */
  readonly extensions: ReadonlyMap<string, string>;
};

/** Reads the reply to EHLO: the first line is the name, every further one a keyword. */
export function readEhlo({ lines }: Reply): Ehlo {
  const extensions = new Map<string, string>();
  for (const text of lines.slice(1)) {
    // Old servers write `AUTH=LOGIN`.
    const match = /^([A-Za-z0-9][A-Za-z0-9-]*)(?:[ =](.*))?$/.exec(text.trim());
    const keyword = match?.[1]?.toUpperCase();
    if (keyword && !extensions.has(keyword)) extensions.set(keyword, match?.[2] ?? '');
  }
  return { name: lines[0]?.split(' ')[0] ?? '', extensions };
}

/** STARTTLS counts as a whole keyword in any case and without parameter (RFC 3207 §2). */
export function offersStartTls({ extensions }: Ehlo): boolean {
  return extensions.get('STARTTLS') === '';
}

/**
 * A keyword masked by a filtering gateway, such as `XXXXXXXA`: evidence that somebody on the way removes
 * STARTTLS. Undefined when there is none.
 */
export function maskedKeyword({ extensions }: Ehlo): string | undefined {
  return [...extensions.keys()].find((keyword) => /^X{4,}[A-Z]?$/.test(keyword));
}

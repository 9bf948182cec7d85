import type { About, Writer } from './types.ts';

/** Formats that are written from findings and figures, each loaded when it is asked for. */
const WRITERS = {
  csv: async () => (await import('./csv.ts')).csvWriter,
  nagios: async () => (await import('./nagios.ts')).nagiosWriter,
  prometheus: async () => (await import('./prometheus.ts')).prometheusWriter,
  junit: async () => (await import('./junit.ts')).junitWriter,
  sarif: async () => (await import('./sarif.ts')).sarifWriter,
  github: async () => (await import('./github.ts')).githubWriter,
  markdown: async () => (await import('./markdown.ts')).markdownWriter,
} as const satisfies Record<string, () => Promise<(about: About) => Writer>>;

export type WrittenFormat = keyof typeof WRITERS;

function isWritten(format: string): format is WrittenFormat {
  return Object.hasOwn(WRITERS, format);
}

/** A document that begins with its first row, so that nothing is printed by a command that fails before it. */
export type Document = { readonly row: Writer['row']; readonly end: () => string };

function lazily({ begin, row, end }: Writer): Document {
  let begun = false;
  const opened = (text: string) => {
    const head = begun ? '' : (begin?.() ?? '');
    begun = true;
    return head + text;
  };
  return { row: (each) => opened(row(each)), end: () => opened(end?.() ?? '') };
}

/** The writer of a format; undefined for text, JSON and whatever a command makes itself. */
export async function openDocument(format: string, about: About): Promise<Document | undefined> {
  return isWritten(format) ? lazily((await WRITERS[format]())(about)) : undefined;
}

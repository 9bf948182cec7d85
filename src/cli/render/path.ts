import type { Annotation, Hop, MessagePath } from '../../received/types.ts';
import {
  dim,
  type Inline,
  type Line,
  line,
  mark,
  ok,
  strong,
  table,
  unknown,
  warn,
  widthOf,
  wrap,
} from '../text.ts';
import { renderFindings } from './findings.ts';

/** Delay bars are this long at most, a column a doubling. */
const BAR = 8;

function encryption(hop: Hop): Inline {
  switch (hop.encrypted) {
    case 'yes':
      return ok('✔ encrypted');
    case 'no':
      return hop.internal ? dim('· inside') : warn('! plaintext');
    case 'local':
      return dim('· inside');
    case 'unknown':
      return hop.internal ? dim('· inside') : unknown('? not told');
  }
}

/** A duration as a person reads it, such as `3 s`, `12 min`, `2 h 5 min`. */
export function spell(seconds: number): string {
  const size = Math.abs(seconds);
  if (size < 120) return `${size} s`;
  if (size < 7200) return `${Math.round(size / 60)} min`;
  if (size < 172_800) return `${Math.floor(size / 3600)} h ${Math.round((size % 3600) / 60)} min`;
  return `${Math.floor(size / 86_400)} d ${Math.round((size % 86_400) / 3600)} h`;
}

function delay({ delaySeconds }: Hop): Inline {
  if (delaySeconds === null) return '';
  if (delaySeconds < 0) return warn(`clock off by ${spell(delaySeconds)}`);
  const bar = '#'.repeat(Math.min(BAR, Math.round(Math.log2(delaySeconds + 1) / 2)));
  const text = `+${spell(delaySeconds)}${bar ? ` ${bar}` : ''}`;
  return delaySeconds > 300 ? warn(text) : text;
}

export function peerName({ from }: Hop): string {
  const name = from.rdns ?? from.helo;
  if (name && from.ip) return `${name} [${from.ip}]`;
  return name ?? (from.ip ? `[${from.ip}]` : '');
}

export function tlsWords({ tls }: Hop): string {
  if (!tls) return '';
  return [tls.version ?? tls.versionWritten, tls.cipher, tls.group ?? tls.keyExchange]
    .filter(Boolean)
    .join(' ');
}

function place(hop: Hop): Inline {
  if (hop.border) return strong('enters your system here');
  if (hop.trusted) return 'your system';
  return dim('the sender’s claim');
}

export function notes(hop: Hop): string {
  const words = [
    tlsWords(hop),
    hop.submission ? 'from the sender’s own program, set up there' : '',
    hop.id ? `id ${hop.id}` : '',
    hop.flags.filter((flag) => flag !== 'no-date').join(', '),
  ];
  return words.filter((word) => word !== '').join('; ');
}

/** What each hop begins with: its mark, when it was, and whose line it is; in a narrow terminal on two lines. */
function headsOf(hops: readonly Hop[], columns: number): (readonly Line[])[] {
  const dated = hops.some(({ delaySeconds }) => delaySeconds !== null);
  const wide = table(
    hops.map((hop) => [
      strong(String(hop.index + 1)),
      encryption(hop),
      timeOf(hop),
      ...(dated ? [delay(hop)] : []),
      place(hop),
    ]),
    2,
  );
  if (wide.every((each) => widthOf(each) <= columns)) return wide.map((each) => [each]);
  const marks = table(
    hops.map((hop) => [strong(String(hop.index + 1)), encryption(hop), place(hop)]),
    2,
  );
  return marks.map((each, index) => {
    const hop = hops[index];
    const time = hop === undefined ? [] : table([[timeOf(hop), delay(hop)]], 5);
    return [...wrap(each, columns, 5), ...time];
  });
}

function timeOf(hop: Hop): Inline {
  return hop.date ?? dim('no date');
}

/** The way with its marks, and below it what was noted. */
function hopLines(hops: readonly Hop[], columns: number): Line[] {
  const heads = headsOf(hops, columns);
  return hops.flatMap((hop, index) => {
    const from = peerName(hop);
    const way =
      from === '' ? line`by ${hop.by ?? 'an unnamed host'}` : line`${from} → ${hop.by ?? 'an unnamed host'}`;
    const more = notes(hop);
    // What anybody may have written is greyed, as its last column says in words.
    const shown = hop.trusted ? way : way.map(({ text }) => dim(text));
    return [
      ...(heads[index] ?? []),
      ...wrap([{ text: '     ' }, ...shown], columns, 5),
      ...(more === '' ? [] : wrap([{ text: '     ' }, dim(more)], columns, 5)),
    ];
  });
}

const KINDS: Readonly<Record<Annotation['kind'], string>> = {
  'x-received': 'X-Received',
  arc: 'ARC set',
  'authentication-results': 'Authentication-Results',
  origin: 'origin',
  exchange: 'Exchange',
};

/** Other fields that tell of the way, and where in it they were added: one entry a set or field name. */
function annotationLines(path: MessagePath, columns: number): Line[] {
  const entries = path.annotations.map(({ kind, name, instance, afterHop, trusted }) => {
    const what =
      kind === 'arc'
        ? `${KINDS[kind]} ${instance ?? '?'}`
        : kind === 'origin' || kind === 'exchange'
          ? name
          : KINDS[kind];
    const when = afterHop === null ? 'before the first hop' : `after hop ${afterHop + 1}`;
    return `${what} (${when}${trusted ? '' : ', claimed'})`;
  });
  const once = [...new Set(entries)];
  return once.length === 0 ? [] : wrap([dim(`  Also there: ${once.join(', ')}.`)], columns, 4);
}

/** The same where there are several messages: which one it is comes first. */
export function renderOneOfSeveral(path: MessagePath, columns: number): Line[] {
  return [[strong(path.target ?? '')], ...renderMessagePath(path, columns)];
}

/** What is worth knowing beside the findings, with the hops that it is about. */
export function informationOf({ checks }: MessagePath): string[] {
  return checks
    .filter(({ info }) => info)
    .map(({ message, evidence }) =>
      evidence === undefined ? message : `${message.replace(/\.$/, '')}: ${evidence}.`,
    );
}

/** The way of a message for people: one sentence to paste, a timeline, what is wrong. */
export function renderMessagePath(path: MessagePath, columns: number): Line[] {
  const findings = renderFindings(
    path.checks.map((check) => ({ where: '', check })),
    columns,
  );
  const information = informationOf(path);
  return [
    ...wrap(line`${mark(path.status)}  ${strong(path.summary)}`, columns, 4),
    ...(path.hops.length > 0 ? [[], ...hopLines(path.hops, columns)] : []),
    ...(findings.length > 0 ? [[], ...findings] : []),
    ...(information.length > 0 || path.annotations.length > 0 ? [[]] : []),
    ...annotationLines(path, columns),
    ...information.flatMap((message) => wrap([dim(`  ${message}`)], columns, 2)),
  ];
}

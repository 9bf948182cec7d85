import { markWords } from '../../check/report.ts';
import type {
  LoneSignatureSection,
  MessageCheck,
  PartialCheck,
  SignatureSection,
} from '../../check/types.ts';
import type { Reason } from '../../trust/facts.ts';
import {
  crit,
  dim,
  fittedTable,
  type Inline,
  type Line,
  line,
  mark,
  ok,
  strong,
  tree,
  unknown,
  warn,
  wrap,
} from '../text.ts';
import { renderMessagePath } from './path.ts';
import { spfNode } from './spf.ts';
import { reasonLines, verdictMark, wouldTrustLines } from './trust.ts';

/** A result word in the colour of what it means for the sender. */
function result(word: string): Inline {
  if (word === 'pass') return ok('pass');
  if (word === 'fail' || word === 'permerror') return crit(word);
  if (word === 'temperror' || word === 'not-evaluated') return unknown(word.replace('-', ' '));
  return word === 'none' ? dim('none') : warn(word);
}

function signatureLine(signature: SignatureSection): Inline {
  const place = signature.aligned ? 'aligned' : 'not aligned';
  return line`${signerWords(signature)}  ${place}, ${judgedWords(signature, signature.qualifies)}`;
}

function signerWords({ domain, selector, algorithm, keyBits }: LoneSignatureSection): Inline {
  const key = [algorithm ?? '', keyBits === null ? '' : `${keyBits} bits`].filter(Boolean).join(', ');
  return line`${strong(domain ?? 'no domain')} ${dim(`${selector ?? 'no selector'}, ${key}`)}`;
}

function judgedWords({ reason, disqualifiedBy }: LoneSignatureSection, qualifies: boolean): Inline {
  if (qualifies) return ok('covers what is shown');
  return reason ?? `does not qualify: ${disqualifiedBy.join(', ')}`;
}

const ORIGINS: Readonly<Record<string, string>> = {
  given: 'as given',
  'received-spf': 'from Received-SPF',
  'authentication-results': 'from Authentication-Results',
  received: 'from Received',
  'return-path': 'from Return-Path',
};

function spfWords({
  result: word,
  domain,
  ip,
  mailFrom,
  origin,
  reason,
  sender,
}: MessageCheck['spf']): string {
  if (word === 'not-evaluated') return reason ?? '';
  const path = mailFrom === null ? 'HELO alone' : mailFrom === '' ? 'an empty return path' : mailFrom;
  const before = sender === null ? '' : `, rewritten from ${sender} as it says`;
  const why = reason === null ? '' : ` ${reason}`;
  return `${domain ?? 'no domain'} for ${ip} (${ORIGINS[origin.ip] ?? origin.ip}), ${path}${before}.${why}`;
}

function dmarcWords({ result: word, aligned, reason, policy, policyDomain }: MessageCheck['dmarc']): string {
  const by = [aligned.dkim ? 'DKIM' : '', aligned.spf ? 'SPF' : ''].filter(Boolean).join(' and ');
  const rule = policy === null ? '' : ` Policy of ${policyDomain}: ${policy}.`;
  return `${word === 'pass' ? `By ${by}.` : (reason ?? '')}${rule}`;
}

function arcWords({ reason, sets }: MessageCheck['arc']): string {
  const sealers = sets.map(({ sealer }) => sealer ?? '?').slice(-5);
  return `Sealed by ${sealers.join(', then ')}.${reason === null ? '' : ` ${reason}`}`;
}

function listing({ status, purpose }: MessageCheck['dnsbl'][number]): Inline {
  if (status === 'not-listed') return 'not listed';
  if (status === 'listed') return purpose === 'block' ? crit('listed') : ok('listed');
  return unknown(status);
}

function bimiWords({ reason, location, mark }: NonNullable<MessageCheck['bimi']>): string {
  return mark === null ? (reason ?? location ?? '') : markWords(mark);
}

/** Signatures that get a line. */
const MAX_SIGNATURES = 10;

/** One line a mechanism. */
function mechanisms(check: MessageCheck): (readonly Inline[])[] {
  const { spf, dkim, dmarc, arc, bimi, dnsbl } = check;
  const signatures = dkim.signatures
    .slice(0, MAX_SIGNATURES)
    .map((each): Inline[] => ['DKIM', result(each.result), signatureLine(each)]);
  const more = dkim.signatures.length - signatures.length;
  return [
    ['SPF', result(spf.result), spfWords(spf)],
    ...(signatures.length === 0 ? [['DKIM', result('none'), 'There is no signature.']] : signatures),
    ...(more > 0 ? [['DKIM', '', `and ${more} more signatures`]] : []),
    ['DMARC', result(dmarc.result), dmarcWords(dmarc)],
    ...(dmarc.legacy?.differs
      ? [['', '', dim(`by RFC 7489, as most receivers still judge: ${dmarc.legacy.result}`)]]
      : []),
    ...(arc.sets.length === 0 ? [] : [['ARC', result(arc.result), arcWords(arc)]]),
    ...(bimi === null ? [] : [['BIMI', result(bimi.result), bimiWords(bimi)]]),
    ...dnsbl.map((each): Inline[] => [
      'DNSBL',
      listing(each),
      line`${each.target} at ${each.list}${each.meaning === null ? '' : dim(`: ${each.meaning}`)}`,
    ]),
  ];
}

/** What was in the way is always told; what only explains is told on request. */
function reasonsToShow({ reasons }: MessageCheck, explain: boolean): readonly Reason[] {
  if (explain) return reasons;
  const [first, ...rest] = reasons;
  return first === undefined ? [] : [first, ...rest.filter(({ severity }) => severity !== 'info')];
}

function recordedLines({ recorded }: MessageCheck, explain: boolean, columns: number): Line[] {
  return recorded
    .filter(({ differs }) => differs || explain)
    .flatMap(({ authservId, method, domain, recorded: theirs, ours, differs }) => {
      const of = domain === null ? '' : ` for ${domain}`;
      const now = ours === null ? 'not known now' : `now ${ours}`;
      const text = line`  ${authservId} wrote ${method}=${theirs}${of}; ${differs ? warn(now) : now}`;
      return wrap(text, columns, 4);
    });
}

function diagnoses(signatures: readonly LoneSignatureSection[]): Line[] {
  return signatures.flatMap(({ diagnosis, domain }) =>
    diagnosis === null ? [] : [line`  The signature of ${domain ?? 'no domain'}: ${diagnosis.text}`],
  );
}

/** How much is told. */
export type CheckView = {
  /** Every reason, SPF term by term, and the way. */
  readonly explain: boolean;
  /** There are several messages: say which one it is. */
  readonly named: boolean;
};

/** The verdict first, then a line for each mechanism, the reasons, and what would make it trusted. */
export function renderMessageCheck(
  check: MessageCheck,
  columns: number,
  { explain, named }: CheckView,
): Line[] {
  const { status, verdict, summary, wouldTrust, spf, path } = check;
  const name = named ? `${check.target ?? ''}: ` : '';
  const more = [
    ...diagnoses(check.dkim.signatures).flatMap((each) => wrap(each, columns, 4)),
    ...(spf.forwarding === null ? [] : wrap(line`  ${spf.forwarding}`, columns, 4)),
    ...recordedLines(check, explain, columns),
  ];
  return [
    ...wrap(line`${verdictMark(verdict, status)}  ${name}${strong(summary)}`, columns, 4),
    [],
    ...fittedTable(mechanisms(check), columns, 2),
    [],
    ...reasonLines(reasonsToShow(check, explain), columns),
    ...(more.length === 0 ? [] : [[], ...more]),
    ...wouldTrustLines(wouldTrust, columns),
    ...(explain ? explanation(check, columns) : []),
    ...(explain ? [[], ...renderMessagePath({ ...path, target: check.target }, columns)] : []),
  ];
}

function explanation({ spf }: MessageCheck, columns: number): Line[] {
  if (spf.tree === null) return [];
  const said =
    spf.explanation === null
      ? []
      : wrap(line`  the domain says (its own words): ${spf.explanation}`, columns, 4);
  return [
    [],
    line`  SPF of ${spf.domain ?? ''}, ${spf.lookups} of 10 lookups`,
    ...tree([spfNode(spf.tree)], columns, '  '),
    ...said,
  ];
}

/** A line for each mechanism that was asked, and what explains a failure. */
export function renderPartialCheck(
  check: PartialCheck,
  columns: number,
  { named }: Pick<CheckView, 'named'>,
): Line[] {
  const { status, summary, spf, dkim, arc } = check;
  const signatures = dkim?.signatures ?? [];
  const lines: Inline[][] = [
    ...(spf === null ? [] : [['SPF', result(spf.result), spfWords(spf)]]),
    ...signatures.slice(0, MAX_SIGNATURES).map((each) => {
      const isWhole = each.result === 'pass' && each.disqualifiedBy.length === 0;
      return ['DKIM', result(each.result), line`${signerWords(each)}  ${judgedWords(each, isWhole)}`];
    }),
    ...(dkim !== null && signatures.length === 0 ? [['DKIM', result('none'), 'There is no signature.']] : []),
    ...(arc === null || arc.sets.length === 0 ? [] : [['ARC', result(arc.result), arcWords(arc)]]),
  ];
  const name = named ? `${check.target ?? ''}: ` : '';
  return [
    ...wrap(line`${mark(status)}  ${name}${strong(summary)}`, columns, 4),
    ...fittedTable(lines, columns, 2),
    ...diagnoses(signatures).flatMap((each) => wrap(each, columns, 4)),
  ];
}

import { counted } from '../../counted.ts';
import type {
  KeptList,
  TrustListResult,
  TrustOverrideResult,
  TrustSyncResult,
} from '../../schema/trust-lists.ts';
import { dim, type Line, line, mark, strong, table, wrap } from '../text.ts';

/** One mediator brought up to date, for people. */
export function renderTrustSync(result: TrustSyncResult, columns: number): Line[] {
  const fix = result.checks.find((check) => check.fix !== undefined)?.fix;
  return [
    ...wrap(line`${mark(result.status)}  ${strong(result.mediator)}  ${result.summary}`, columns, 4),
    ...(fix === undefined ? [] : wrap(line`    ${fix}`, columns, 4)),
    ...keptLines(result),
  ];
}

/** Every list that is kept, for people. */
export function renderTrustList(
  { status, summary, lists, checks }: TrustListResult,
  columns: number,
): Line[] {
  return [
    ...wrap(line`${mark(status)}  ${summary}`, columns, 4),
    ...lists.flatMap((each, index) => [
      [],
      line`  ${mark(checks[index]?.status ?? 'ok', each.name)} ${dim(each.mediator)}`,
      ...keptLines(each),
    ]),
  ];
}

function keptLines(kept: KeptList): Line[] {
  const count =
    kept.entries === null
      ? 'to be fetched'
      : `${counted(kept.entries, 'entry', 'entries')}, ${counted(kept.domains ?? 0, 'domain')}`;
  return table(
    [
      [dim('source'), kept.source],
      [dim('list'), kept.list === null ? 'none' : `${kept.list} of ${kept.issued}, ${count}`],
      [dim('valid until'), kept.expires ?? 'not valid'],
      [dim('root'), `${kept.root}, until ${kept.rootExpires}`],
      [dim('synchronised'), kept.synced ?? 'never'],
    ],
    4,
  );
}

/** The local decisions, for people. */
export function renderTrustOverride(result: TrustOverrideResult, columns: number): Line[] {
  const below = (each: { includeSubdomains: boolean }) => (each.includeSubdomains ? ' and below' : '');
  const rows = [
    ...result.trust.map((each) => ['trusted', `${each.domain}${below(each)}`, dim(each.name)]),
    ...result.block.map((each) => [
      each.from === 'all' ? 'blocked' : 'never trusted',
      `${each.domain}${below(each)}`,
    ]),
    ...result.openSignup.add.map((domain) => ['open sign-up', domain]),
    ...result.openSignup.remove.map((domain) => ['no open sign-up', domain]),
    ...result.sealers.map((domain) => ['ARC sealer', domain]),
  ];
  return [
    ...wrap(line`${mark(result.status)}  ${result.summary}`, columns, 4),
    ...table(rows, 4),
    line`    ${dim(result.file)}`,
  ];
}

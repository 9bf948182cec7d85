import type { SlotSecrets } from '../../keys/views.ts';
import type { Check } from '../../report.ts';
import type {
  SlotRecordView,
  YubikeyCalculateResult,
  YubikeyChangeResult,
  YubikeyInfoResult,
  YubikeyInventoryResult,
  YubikeyListResult,
  YubikeyLostResult,
} from '../../schema/yubikey.ts';
import { dim, fittedTable, type Line, line, mark, strong, table, wrap } from '../text.ts';
import { renderFindings } from './findings.ts';

const findings = (checks: readonly Check[], columns: number) =>
  renderFindings(
    checks.map((check) => ({ where: '', check })),
    columns,
  );

const information = (checks: readonly Check[], columns: number): Line[] =>
  checks
    .filter(({ status }) => status === 'ok')
    .flatMap(({ message }) => wrap(line`  ${dim(message)}`, columns, 2));

/** Keys on the desk, a line each. */
export function renderKeys({ summary, status, keys, checks }: YubikeyListResult, columns: number): Line[] {
  const rows = keys.map(({ serial, model, version, interfaces, slots, node }) => [
    strong(serial === null ? '-' : serial),
    model,
    version,
    interfaces.join('+') || '?',
    `1 ${slots[1]}, 2 ${slots[2]}`,
    dim(node),
  ]);
  return [
    ...wrap(line`${mark(status)}  ${summary}`, columns, 4),
    ...fittedTable(rows, columns, 2),
    ...information(checks, columns),
    ...findings(checks, columns),
  ];
}

function recordRow({ serial, slot, kind, state, publicId, changed }: SlotRecordView) {
  return [String(serial), `slot ${slot}`, kind, publicId ?? '-', state, dim(changed)];
}

/** One key. */
export function renderInfo(info: YubikeyInfoResult, columns: number): Line[] {
  const touch = ([1, 2] as const).map((slot) => info.touch[slot]);
  const rows = [
    ['serial', info.serial ?? 'not shown'],
    ['firmware', info.version],
    ['form', info.formFactor ?? 'not told'],
    ['interfaces', info.interfaces.join(', ') || 'not known'],
    ['slots', `1 ${info.slots[1]}, 2 ${info.slots[2]}`],
    [
      'needs touch',
      touch.map((needs, at) => `${at + 1} ${needs === null ? 'unknown' : needs ? 'yes' : 'no'}`).join(', '),
    ],
    ['over USB', info.usb.join(', ') || 'not told'],
    ['over NFC', info.nfc.join(', ') || 'none'],
    ['node', info.node],
  ].map(([label = '', value = '']) => [dim(String(label)), String(value)]);
  return [
    ...wrap(line`${mark(info.status)}  ${strong(info.summary)}`, columns, 4),
    ...table(rows, 2),
    ...(info.records.length > 0
      ? [line`  ${dim('written by us')}`, ...table(info.records.map(recordRow), 4)]
      : []),
    ...findings(info.checks, columns),
  ];
}

/** A change, or the plan of one. */
export function renderChange(result: YubikeyChangeResult, columns: number): Line[] {
  const plan = result.dryRun
    ? result.plan.flatMap((step, at) => wrap(line`  ${at + 1}. ${step}`, columns, 5))
    : [];
  return [
    ...wrap(line`${mark(result.status)}  ${result.summary}`, columns, 4),
    ...plan,
    ...information(result.checks, columns),
    ...findings(result.checks, columns),
  ];
}

/** The answer to a challenge, and nothing else: it goes on to another program. */
export function renderResponse({ response }: YubikeyCalculateResult): Line[] {
  return [line`${strong(response)}`];
}

/** What was written where. */
export function renderInventory(result: YubikeyInventoryResult, columns: number): Line[] {
  const keys = result.keys.map(({ publicId, state, useCounter, sessionUse, seen }) => [
    strong(publicId),
    state,
    useCounter < 0 ? 'no OTP yet' : `counters ${useCounter}.${sessionUse}`,
    dim(seen ?? ''),
  ]);
  return [
    ...wrap(line`${mark(result.status)}  ${result.summary}`, columns, 4),
    ...table(result.slots.map(recordRow), 2),
    ...(keys.length > 0 ? [line`  ${dim('public ids')}`, ...table(keys, 4)] : []),
    ...findings(result.checks, columns),
  ];
}

/** What became of a lost key. */
export function renderLost({ status, summary, checks }: YubikeyLostResult, columns: number): Line[] {
  if (status !== 'ok') return findings(checks, columns);
  return [
    ...wrap(line`${mark(status)}  ${summary}`, columns, 4),
    ...checks
      .filter(({ info }) => info)
      .flatMap(({ message, fix }) => wrap(line`  ${message} ${dim(fix ?? '')}`, columns, 2)),
  ];
}

/** Secrets, for the eyes at a terminal. */
export function renderSecrets(secrets: readonly SlotSecrets[]): Line[] {
  return secrets.flatMap(({ slot, kind, state, publicId, privateId, key, accessCode }) => [
    [],
    line`  ${strong(`Slot ${slot}`)}  ${kind}${publicId === null ? '' : `, ${publicId}`}${state === 'current' ? '' : `, ${state}`}`,
    ...table(
      [
        [dim('private id'), privateId],
        [dim('key'), key],
        [dim('access code'), /^0+$/.test(accessCode) ? 'none' : accessCode],
      ],
      4,
    ),
  ]);
}

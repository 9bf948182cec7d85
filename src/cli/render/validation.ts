import { counted } from '../../counted.ts';
import type { Report } from '../../report.ts';
import type {
  ValidationClientActResult,
  ValidationClientListResult,
  ValidationClientView,
  ValidationKeyListResult,
  ValidationKeyView,
  ValidationStatusResult,
} from '../../schema/validation.ts';
import { dim, fittedTable, type Inline, type Line, line, mark, strong, warn, wrap } from '../text.ts';
import { renderChecks } from './findings.ts';

/** One sentence. */
export function renderDone({ status, summary }: Report, columns: number): Line[] {
  return wrap(line`${mark(status)}  ${summary}`, columns, 4);
}

function day(time: string | null, never: string): string {
  return time === null ? never : `${time.slice(0, 16).replace('T', ' ')}Z`;
}

function clientRow(client: ValidationClientView): Inline[] {
  const limits = [
    ...(client.mustSign ? ['signed only'] : []),
    ...client.publicIds.map((begin) => `${begin}…`),
    ...client.networks,
    ...(client.oldKeyUntil === null ? [] : [`old key until ${day(client.oldKeyUntil, '')}`]),
  ];
  return [
    strong(String(client.id)),
    client.state === 'active' ? 'active' : warn('disabled'),
    client.label,
    dim(`last ${day(client.used, 'never')}`),
    limits.join(', '),
  ];
}

export function renderClients({ summary, clients }: ValidationClientListResult, columns: number): Line[] {
  return [
    ...wrap(line`${mark('ok')}  ${summary}`, columns, 4),
    ...fittedTable(clients.map(clientRow), columns, 2),
  ];
}

export function renderClientAct(result: ValidationClientActResult, columns: number): Line[] {
  const { keyFile } = result;
  return [
    ...renderDone(result, columns),
    ...(keyFile === null ? [] : [line`  API key, in base64: ${strong(keyFile)}`]),
  ];
}

function keyRow({ publicId, state, serial, seen }: ValidationKeyView): Inline[] {
  return [
    strong(publicId),
    state === 'active' ? 'active' : warn(state === 'written' ? 'not in use yet' : 'disabled'),
    serial === null ? '' : `serial ${serial}`,
    dim(`last ${day(seen, 'never')}`),
  ];
}

export function renderKeys({ summary, keys }: ValidationKeyListResult, columns: number): Line[] {
  return [...wrap(line`${mark('ok')}  ${summary}`, columns, 4), ...fittedTable(keys.map(keyRow), columns, 2)];
}

export function renderValidationStatus(result: ValidationStatusResult, columns: number): Line[] {
  const { status, summary, keys, lastSeen, audit, checks } = result;
  return [
    ...wrap(line`${mark(status)}  ${strong(summary)}`, columns, 4),
    ...fittedTable(
      [
        ['keys', `${keys.active} active, ${keys.written} not in use yet, ${keys.disabled} disabled`],
        ['last OTP', day(lastSeen, 'never')],
        [
          'audit log',
          audit.head === null ? 'empty' : `${counted(audit.entries, 'entry', 'entries')}, head ${audit.head}`,
        ],
      ],
      columns,
      2,
    ),
    ...(audit.latest.length > 0 ? [[]] : []),
    ...fittedTable(
      audit.latest.map(({ time, actor, action, subject }) => [dim(day(time, '')), actor, action, subject]),
      columns,
      2,
    ),
    ...renderChecks({ summary, checks }, columns),
  ];
}

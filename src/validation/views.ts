import type { ServedKeys } from '../keys/served.ts';
import type { KeyRecord } from '../keys/store.ts';
import type { Check } from '../report.ts';
import type {
  ValidationClientActResult,
  ValidationClientListResult,
  ValidationClientView,
  ValidationKeyActResult,
  ValidationKeyListResult,
  ValidationKeyView,
  ValidationStatusResult,
} from '../schema/validation.ts';
import type { Administration, ClientRecord } from './clients.ts';

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}

function timeIfAny(ms: number | null): string | null {
  return ms === null ? null : timeOf(ms);
}

export function clientView({
  oldKeyUntilMs,
  createdMs,
  usedMs,
  ...client
}: ClientRecord): ValidationClientView {
  return {
    ...client,
    publicIds: [...client.publicIds],
    networks: [...client.networks],
    oldKeyUntil: timeIfAny(oldKeyUntilMs),
    created: timeOf(createdMs),
    used: timeIfAny(usedMs),
  };
}

function keyView({ publicId, state, serial, seenMs }: KeyRecord): ValidationKeyView {
  return { publicId, state, serial, seen: timeIfAny(seenMs) };
}

function many(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`;
}

export async function clientList(office: Administration | undefined): Promise<ValidationClientListResult> {
  const clients = ((await office?.clients()) ?? []).map(clientView);
  const nobody = clients.length === 0 ? ' "postern validation client add" lets a program ask.' : '';
  return {
    target: null,
    status: 'ok',
    summary: `${many(clients.length, 'client')}.${nobody}`,
    checks: [],
    clients,
  };
}

/** The client as it is now, after something was done to it. */
export async function clientAct(
  office: Administration,
  id: number,
  summary: string,
  keyFile: string | null = null,
): Promise<ValidationClientActResult> {
  const client = (await office.clients()).find((each) => each.id === id);
  if (!client) throw new Error(`client ${id} was there a moment ago`);
  return { target: String(id), status: 'ok', summary, checks: [], client: clientView(client), keyFile };
}

export async function keyList(keys: ServedKeys | undefined): Promise<ValidationKeyListResult> {
  const all = ((await keys?.keys()) ?? []).map(keyView);
  return {
    target: null,
    status: 'ok',
    summary: `${many(all.length, 'key')}.${all.length === 0 ? ' "postern yubikey program" makes one.' : ''}`,
    checks: [],
    keys: all,
  };
}

export async function keyAct(
  keys: ServedKeys,
  publicId: string,
  summary: string,
): Promise<ValidationKeyActResult> {
  const key = await keys.key(publicId);
  if (!key) throw new Error(`key ${publicId} was there a moment ago`);
  return { target: publicId, status: 'ok', summary, checks: [], key: keyView(key) };
}

function countBy<S extends string>(states: readonly S[], values: readonly { readonly state: S }[]) {
  return Object.fromEntries(
    states.map((state) => [state, values.filter((value) => value.state === state).length]),
  ) as Record<S, number>;
}

/** Entries of the audit log that are shown. */
const LATEST = 20;

export async function validationStatus(
  office: Administration | undefined,
  keys: ServedKeys | undefined,
): Promise<ValidationStatusResult> {
  const records = (await keys?.keys()) ?? [];
  const clients = (await office?.clients()) ?? [];
  const audit = (await office?.audit(LATEST)) ?? { entries: 0, brokenAt: null, head: null, latest: [] };
  const byState = countBy(['written', 'active', 'disabled'], records);
  const seen = records.reduce<number | null>(
    (last, { seenMs }) => Math.max(last ?? 0, seenMs ?? 0) || null,
    null,
  );
  const checks: Check[] = [
    ...(audit.brokenAt === null
      ? []
      : [
          {
            id: 'validation.audit.broken',
            status: 'crit' as const,
            message: `The audit log was altered: entry ${audit.brokenAt} does not follow from those before it.`,
            fix: 'Find out who can write to the database; compare with a backup.',
          },
        ]),
    ...(clients.some(({ state }) => state === 'active')
      ? []
      : [
          {
            id: 'validation.no-client',
            status: 'warn' as const,
            message: 'No client may ask for verdicts yet.',
            fix: 'Add one: postern validation client add.',
          },
        ]),
  ];
  return {
    target: null,
    status: audit.brokenAt === null ? (checks.length > 0 ? 'warn' : 'ok') : 'crit',
    summary: `${many(byState.active, 'key')} in use, ${many(clients.length, 'client')}, ${many(audit.entries, 'entry', 'entries')} in the audit log.`,
    checks,
    keys: byState,
    clients: countBy(['active', 'disabled'], clients),
    lastSeen: timeIfAny(seen),
    audit: {
      ...audit,
      latest: audit.latest.map(({ timeMs, ...entry }) => ({ ...entry, time: timeOf(timeMs) })),
    },
  };
}

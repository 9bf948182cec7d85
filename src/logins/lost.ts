import type { ServedKeys } from '../keys/served.ts';
import { loseKey } from '../keys/views.ts';
import type { Check } from '../report.ts';
import type { YubikeyLostResult } from '../schema/yubikey.ts';
import type { LoginStore } from './types.ts';

/** What a lost key opens: it is told, and session passwords of these accounts end. */
export async function loseKeyAndLogins(
  keys: ServedKeys | undefined,
  logins: LoginStore | undefined,
  serial: number,
  nowMs: number,
): Promise<YubikeyLostResult> {
  const lost = await loseKey(keys, serial, nowMs);
  const publicIds = ((await keys?.keys()) ?? [])
    .filter((key) => key.serial === serial)
    .map((key) => key.publicId);
  const sets = publicIds.length === 0 ? [] : ((await logins?.find({ publicIds })) ?? []);
  const accounts = [...new Set(sets.map(({ account }) => account))];
  const sessionsEnded = accounts.length === 0 ? 0 : ((await logins?.endSessions({ accounts })) ?? 0);
  const check: Check = {
    id: 'yubikey.logins',
    status: 'ok',
    info: true,
    message: `It opens ${accounts.join(', ')}; ${sessionsEnded} session ${sessionsEnded === 1 ? 'password' : 'passwords'} ended.`,
    fix: 'Give them another key with "postern login add".',
  };
  return {
    ...lost,
    checks: accounts.length === 0 ? lost.checks : [...lost.checks, check],
    logins: sets.map(({ id, account }) => ({ id, account })),
    sessionsEnded,
  };
}

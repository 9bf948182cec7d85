import type { Role, RoleKeys } from '../registry/documents.ts';
import type { PublicKey } from '../registry/keys.ts';
import { ActFault } from './ledger.ts';

/**
 * The roles with another key in one of them.
 *
 * @param keep       the keys that are there stay; otherwise the new one takes their place
 * @param threshold  how many have to sign; null: as many as before, or one where one is left
 * @throws {ActFault} when there are fewer keys than have to sign
 */
export function changeRole(
  roles: Readonly<Record<Role, RoleKeys>>,
  role: Role,
  added: PublicKey,
  { keep, threshold }: { readonly keep: boolean; readonly threshold: number | null },
): Readonly<Record<Role, RoleKeys>> {
  const before = roles[role];
  const others = keep ? before.keys.filter(({ id }) => id !== added.id) : [];
  const keys = [...others, added];
  const wanted = threshold ?? (keep ? before.threshold : 1);
  if (wanted > keys.length) throw new ActFault(`${wanted} signatures cannot come from ${keys.length} keys.`);
  return { ...roles, [role]: { threshold: wanted, keys } };
}

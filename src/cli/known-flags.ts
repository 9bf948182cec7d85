import type { Interfaces } from '@oclif/core';
import type { KnownFlags } from './config-check.ts';
import type { AnyFlag } from './setting-flags.ts';

/** Load every command for its flags: those of the manifest cannot parse a value. */
export async function loadKnownFlags(config: Interfaces.Config): Promise<KnownFlags> {
  const known = config.commands.map(async (each) => {
    const { baseFlags, flags } = await each.load();
    return [each.id.replaceAll(':', ' '), { ...baseFlags, ...flags } as Record<string, AnyFlag>] as const;
  });
  return new Map(await Promise.all(known));
}

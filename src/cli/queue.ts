import type { Interfaces } from '@oclif/core';
import { type Link, type LinkOptions, openLink } from '../probe-queue/link.ts';
import { parseRedisUrl } from '../redis/place.ts';
import { passwordOf } from './key-store.ts';
import type { queueFlags } from './queue-flags.ts';

type QueueFlags = Interfaces.InferredFlags<typeof queueFlags>;

/**
 * Where a queue is.
 *
 * @throws AppError E_STORE_URL, E_SECRET_ARGV (exit 64)
 */
export function queuePlace(
  url: string,
  flags: QueueFlags,
  env: NodeJS.ProcessEnv,
): Pick<LinkOptions, 'server' | 'password' | 'patienceMs'> {
  const password = passwordOf(flags['queue-password-file'], 'postern-queue-password', env, 'REDISCLI_AUTH');
  return {
    server: parseRedisUrl(url, 'queue'),
    patienceMs: flags['queue-wait'],
    ...(password && { password }),
  };
}

/** Reach a queue. @throws AppError E_QUEUE (exit 69, 78) */
export function openQueue(
  url: string,
  flags: QueueFlags,
  told: Pick<LinkOptions, 'onAway' | 'onBack'>,
): Promise<Link> {
  return openLink({ ...queuePlace(url, flags, process.env), ...told });
}

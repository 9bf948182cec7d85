import * as Flags from '@oclif/core/flags';
import { duration, withEnvironment } from './flags.ts';

const ABOUT_QUEUE = {
  summary:
    'Queue for probing on several machines, on Redis or Valkey: rediss://[USER@]HOST[:PORT][/NUMBER], redis:// on loopback.',
  helpValue: 'URL',
  helpGroup: 'QUEUE',
} as const;

/** Flags of everything that has to do with a queue for probing. */
export const queueFlags = withEnvironment({
  queue: Flags.string(ABOUT_QUEUE),
  'queue-password-file': Flags.string({
    summary: 'Private file with the password for the queue; REDISCLI_AUTH counts without it.',
    helpValue: 'FILE',
    helpGroup: 'QUEUE',
    dependsOn: ['queue'],
  }),
  'queue-wait': duration({
    summary: 'Give up when the queue is away, or nobody serves it, for so long.',
    default: 60_000,
    helpGroup: 'QUEUE',
  }),
});

/** The same for what is nothing without a queue. */
export const requiredQueueFlags = {
  ...queueFlags,
  ...withEnvironment({ queue: Flags.string({ ...ABOUT_QUEUE, required: true }) }),
};

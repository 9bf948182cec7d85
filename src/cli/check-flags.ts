import type { Interfaces } from '@oclif/core';
import * as Flags from '@oclif/core/flags';
import { adviceFlags } from './advice.ts';
import { dnsFlags, duration, markFlags, ownServerFlags, trustFlags, withEnvironment } from './flags.ts';

/** What `message check` takes beside the messages. */
export const checkFlags = {
  ...withEnvironment({
    ip: Flags.string({ summary: 'Address of the client that handed the message in.', helpValue: 'IP' }),
    helo: Flags.string({ summary: 'Name that the client gave (HELO).', helpValue: 'NAME' }),
    'mail-from': Flags.string({
      summary: 'Return path (MAIL FROM); "" or "<>" is the empty one.',
      helpValue: 'ADDRESS',
    }),
    mta: Flags.string({
      summary: 'Name of the server that took it in, as it signs its Authentication-Results.',
      helpValue: 'HOST',
    }),
    rcpt: Flags.string({ summary: 'Recipient in the envelope (RCPT TO).', helpValue: 'ADDRESS' }),
    'as-of': Flags.string({
      summary: 'Judge expiry as of this time (ISO 8601) instead of when the message came in.',
      helpValue: 'TIME',
    }),
    ...ownServerFlags,
    require: Flags.option({
      summary: 'Exit with 2 unless the sender is trusted, or at least authenticated.',
      options: ['trusted', 'authenticated'] as const,
    })(),
    explain: Flags.boolean({
      summary: 'Tell every reason, the SPF record term by term, and the way it came.',
    }),
    dnsbl: Flags.string({
      summary:
        'Ask this block list about client and domains, or "usual" the usual ones; several may be given.',
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'ZONE',
    }),
    'max-signatures': Flags.integer({
      summary: 'DKIM signatures that are evaluated.',
      default: 10,
      min: 1,
      max: 50,
      helpValue: 'N',
    }),
    batch: Flags.string({
      summary: 'Read cases {"id", "eml", "ip", "helo", "mailFrom", …} from JSON Lines; print a row each.',
      helpValue: 'FILE',
      exclusive: ['ip', 'helo', 'mail-from', 'mta', 'rcpt'],
    }),
    only: Flags.option({
      summary: 'Ask this mechanism alone and give no verdict; several may be given.',
      options: ['spf', 'dkim', 'arc'] as const,
      multiple: true,
      multipleNonGreedy: true,
      exclusive: ['require', 'bimi', 'dnsbl'],
    })(),
    parallel: Flags.integer({
      summary: 'Messages at a time, in each thread.',
      default: 4,
      min: 1,
      max: 1000,
      helpValue: 'N',
    }),
    workers: Flags.integer({
      summary: 'Threads that share the work; by default one, or one a processor for many messages.',
      min: 1,
      max: 64,
      helpValue: 'N',
    }),
    ordered: Flags.boolean({ summary: 'Print in the order of the files.', default: true, allowNo: true }),
    'timeout-dns': duration({ summary: 'Wait for one DNS answer.', default: 5000, helpGroup: 'TIME-OUT' }),
  }),
  ...trustFlags,
  ...markFlags,
  ...adviceFlags,
  ...dnsFlags,
};

export type CheckFlags = Interfaces.InferredFlags<typeof checkFlags>;

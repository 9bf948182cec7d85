import type { Interfaces } from '@oclif/core';
import * as Flags from '@oclif/core/flags';
import { AppError, ExitCode } from '../errors.ts';
import type { WrittenFormat } from './formats/open.ts';
import { BY_HAND } from './settings.ts';
import { formatDuration, parseDuration } from './units.ts';

/** A duration such as `10s`; the value is in milliseconds. */
export const duration = Flags.custom<number>({
  helpValue: 'DURATION',
  // In milliseconds inside, as people write it outside.
  defaultHelp: async ({ options }) =>
    typeof options.default === 'number' ? formatDuration(options.default) : undefined,
  parse: async (text) => parseDuration(text),
});

/**
 * Flags that also read `POSTERN_<FLAG>`, one name for all commands that have the flag. Those that only a
 * person may give (`--yes`, `--allow-private` and the like) do not.
 */
export function withEnvironment<T extends Interfaces.FlagInput>(flags: T): T {
  for (const [name, flag] of Object.entries(flags)) {
    if (!BY_HAND.has(name) || name === 'config')
      flag.env ??= `POSTERN_${name.replaceAll('-', '_').toUpperCase()}`;
  }
  return flags;
}

/** How the result is written; `json` is also `--json`. */
export type Format = 'text' | 'json' | 'jsonl' | 'html' | 'postfix' | WrittenFormat;

/** `--format` with what a command can write; only the first three go without saying. */
export function formatFlag<const F extends Format>(formats: readonly F[]) {
  return Flags.option({
    summary: 'How to write the result.',
    options: formats,
    env: 'POSTERN_FORMAT',
    helpGroup: 'GLOBAL',
  })();
}

/** Formats of findings that every command with a verdict can write. */
export const FINDING_FORMATS = ['csv', 'nagios', 'junit', 'github', 'markdown'] as const;

/** Flags of every command. */
export const globalFlags = withEnvironment({
  json: Flags.boolean({
    summary: 'Print the result as one JSON document (one line a target where there are several).',
    helpGroup: 'GLOBAL',
  }),
  format: formatFlag(['text', 'json', 'jsonl']),
  output: Flags.string({
    summary: 'Write the result to a file, whole or not at all.',
    helpValue: 'FILE',
    helpGroup: 'GLOBAL',
  }),
  color: Flags.option({
    summary: 'When to use colour.',
    options: ['auto', 'always', 'never'] as const,
    default: 'auto' as const,
    helpGroup: 'GLOBAL',
  })(),
  config: Flags.string({
    summary: 'Read this configuration instead of the one in your home.',
    helpValue: 'FILE',
    helpGroup: 'GLOBAL',
  }),
  'fail-on': Flags.option({
    summary: 'Findings that make the exit code 2: critical ones, warnings as well, or none (0).',
    options: ['crit', 'warn', 'never'] as const,
    default: 'crit' as const,
    helpGroup: 'GLOBAL',
  })(),
  unknown: Flags.option({
    summary: 'Exit as if what could not be told were this, instead of with 3.',
    options: ['ok', 'warn', 'crit'] as const,
    helpGroup: 'GLOBAL',
  })(),
  input: Flags.boolean({
    summary: 'Ask questions on a terminal.',
    default: true,
    allowNo: true,
    helpGroup: 'GLOBAL',
  }),
});

/** Flags of everything that asks the DNS. */
export const dnsFlags = withEnvironment({
  resolver: Flags.string({
    summary: 'Ask this DNS server instead of the system’s: HOST[:PORT], tls://HOST or https://HOST/path.',
    helpValue: 'SERVER',
    helpGroup: 'DNS',
  }),
  'trust-ad': Flags.boolean({
    summary: 'Believe the resolver’s AD bit although the way to it is not protected.',
    helpGroup: 'DNS',
  }),
  'dns-cache': Flags.string({
    summary: 'Read recorded answers from this file before asking.',
    helpValue: 'FILE',
    helpGroup: 'DNS',
  }),
  'dns-record': Flags.string({
    summary: 'Write every answer to this file, for --dns-cache.',
    helpValue: 'FILE',
    helpGroup: 'DNS',
  }),
  offline: Flags.boolean({
    summary: 'Ask nothing that is not recorded, connect nowhere but to loopback.',
    helpGroup: 'DNS',
  }),
});

/** Whose Received lines are believed: flags of everything that reads the way of a message. */
export const ownServerFlags = withEnvironment({
  'trusted-by': Flags.string({
    summary: 'Name of one of your own mail servers, as its Received lines have it; several may be given.',
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'HOST',
  }),
  'trusted-ip': Flags.string({
    summary: 'Address or network of your own mail servers; several may be given.',
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'IP[/N]',
  }),
});

/** RG-5: offline a list may count a little longer, but not so long that a revocation means nothing. */
const MAX_GRACE_MS = 7 * 86_400_000;

function parseGrace(text: string): number {
  const graceMs = parseDuration(text);
  if (graceMs <= MAX_GRACE_MS) return graceMs;
  throw new AppError(`--grace: ${text} is longer than 7d.`, {
    code: 'E_USAGE',
    exit: ExitCode.usage,
    hint: 'Synchronise at least once a week: postern trust sync.',
  });
}

/** Flags of everything that judges a sender. */
export const trustFlags = withEnvironment({
  registry: Flags.string({
    summary: 'Read the list of trusted domains, or local decisions that name one, from this file.',
    helpValue: 'FILE',
    helpGroup: 'TRUST',
  }),
  grace: Flags.custom<number>({
    helpValue: 'DURATION',
    parse: async (text) => parseGrace(text),
  })({
    summary: 'Let a synchronised list count for this long after it has expired, 7d at most.',
    default: 0,
    helpGroup: 'TRUST',
  }),
  force: Flags.boolean({
    summary: 'Let local decisions trust a domain where anybody can sign up, if they name it.',
    helpGroup: 'TRUST',
  }),
  'strict-replay': Flags.boolean({
    summary: 'Do not trust a message that may have been signed for somebody else and sent again.',
    helpGroup: 'TRUST',
  }),
});

/** Where TLSA records are looked for. */
export const tlsaPortFlag = withEnvironment({
  'tlsa-port': Flags.integer({
    summary: 'Port in the names of TLSA records; the default is the port that is connected to.',
    min: 1,
    max: 65_535,
    helpValue: 'N',
    helpGroup: 'LABORATORY',
  }),
});

/** Flags of everything that looks at what a domain promises about TLS. */
export const policyFlags = withEnvironment({
  'https-port': Flags.integer({
    summary: 'TCP port of the hosts that serve MTA-STS policies.',
    default: 443,
    min: 1,
    max: 65_535,
    helpValue: 'N',
    helpGroup: 'LABORATORY',
  }),
  ...tlsaPortFlag,
  cache: Flags.boolean({
    summary: 'Keep MTA-STS policies as long as they ask for, and use those that were kept.',
    default: true,
    allowNo: true,
  }),
  'timeout-https': duration({
    summary: 'Wait for an MTA-STS policy.',
    default: 60_000,
    helpGroup: 'TIME-OUT',
  }),
});

/** Flags with which a laboratory, or another day, takes the place of the world. */
export const laboratoryFlags = withEnvironment({
  'allow-private': Flags.boolean({
    summary: 'Connect to loopback and private addresses, too.',
    helpGroup: 'LABORATORY',
  }),
  ca: Flags.string({
    summary: 'Trust the certificate authorities in this PEM file, beside those of Node.',
    helpValue: 'FILE',
    helpGroup: 'LABORATORY',
  }),
  'as-of': Flags.string({
    summary: 'Judge expiry as of this time (ISO 8601) instead of now.',
    helpValue: 'TIME',
    helpGroup: 'LABORATORY',
  }),
  'timeout-dns': duration({ summary: 'Wait for one DNS answer.', default: 5000, helpGroup: 'TIME-OUT' }),
});

/** Flags of everything that speaks SMTP. */
export const smtpFlags = withEnvironment({
  ...laboratoryFlags,
  port: Flags.integer({
    summary: 'TCP port of the mail exchangers.',
    default: 25,
    min: 1,
    max: 65_535,
    helpValue: 'N',
    helpGroup: 'LABORATORY',
  }),
  ehlo: Flags.string({
    summary: 'Name to say in EHLO; the default is the name of this host.',
    helpValue: 'NAME',
    helpGroup: 'LABORATORY',
  }),
  'timeout-connect': duration({ summary: 'Wait for a connection.', default: 15_000, helpGroup: 'TIME-OUT' }),
  'timeout-banner': duration({ summary: 'Wait for the greeting.', default: 30_000, helpGroup: 'TIME-OUT' }),
  'timeout-command': duration({ summary: 'Wait for a reply.', default: 30_000, helpGroup: 'TIME-OUT' }),
  'timeout-tls': duration({ summary: 'Wait for the TLS handshake.', default: 20_000, helpGroup: 'TIME-OUT' }),
  'timeout-total': duration({
    summary: 'Wait for one server in all.',
    default: 90_000,
    helpGroup: 'TIME-OUT',
  }),
});

/** Flags of what verifies logos of senders. */
export const markFlags = withEnvironment({
  bimi: Flags.boolean({
    summary:
      'Look for the BIMI record of the author’s domain, fetch its certificate and logo from the sender’s servers and verify ' +
      'them; with --offline from what was fetched before.',
  }),
  'mark-roots': Flags.string({
    summary: 'Believe Mark Certificates of the authorities in this PEM file, instead of those that ship.',
    helpValue: 'FILE',
  }),
});

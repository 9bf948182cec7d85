import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand, judgeTime } from '../../../src/cli/base.ts';
import {
  dnsFlags,
  FINDING_FORMATS,
  formatFlag,
  smtpFlags,
  tlsaPortFlag,
  withEnvironment,
} from '../../../src/cli/flags.ts';
import { readWhole } from '../../../src/cli/input.ts';
import { renderTlsaCheck } from '../../../src/cli/render/tlsa.ts';
import { openDns, smtpWorld } from '../../../src/cli/world.ts';
import { readPem } from '../../../src/dane/certificates.ts';
import { judgeRollover, type Rollover } from '../../../src/dane/rollover.ts';
import { AppError, ExitCode } from '../../../src/errors.ts';
import { askAll, isTalk } from '../../../src/mx/ask.ts';
import { converse } from '../../../src/mx/conversation.ts';
import { findHost } from '../../../src/mx/hosts.ts';
import { parseNameTarget } from '../../../src/mx/target.ts';
import type { MxTlsaCheckResult } from '../../../src/schema/mx-tlsa.ts';

/** Largest file of certificates, in bytes. */
const MAX_PEM = 1_000_000;

export default class MxTlsaCheck extends BaseCommand {
  static override summary = 'Say whether a server may switch to a new certificate now, by its TLSA records.';
  static override description =
    'Looks up the TLSA records of the host, connects to it, and compares both the certificate in use and the new one ' +
    'with what is published. Only if both match, and caches have had time to learn of it, is it safe to switch.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> mx.example.org --cert new.pem',
    '<%= config.bin %> <%= command.id %> mx.example.org --cert new.pem --published 2026-11-25T08:00:00Z',
  ];
  static override args = {
    host: Args.string({ description: 'Name of the exchanger.', required: true, ignoreStdin: true }),
  };
  static override flags = {
    ...withEnvironment({
      cert: Flags.string({
        summary: 'The new certificate with those above it, in PEM form; "-" for standard input.',
        required: true,
        helpValue: 'FILE',
      }),
      published: Flags.string({ summary: 'When the new record was published.', helpValue: 'TIME' }),
      format: formatFlag(['text', 'json', ...FINDING_FORMATS]),
    }),
    ...dnsFlags,
    ...smtpFlags,
    ...tlsaPortFlag,
  };

  override async run(): Promise<MxTlsaCheckResult> {
    const { args, flags } = await this.parse(MxTlsaCheck);
    const host = parseNameTarget(args.host);
    const content = readPem((await readWhole(flags.cert, MAX_PEM)).toString('latin1'), flags.cert);
    if (content.kind === 'key') {
      throw new AppError(`--cert: '${flags.cert}' holds a public key alone.`, {
        code: 'E_CERT',
        exit: ExitCode.input,
        hint: 'Give the certificate that the server will present.',
      });
    }
    const nowMs = judgeTime(flags['as-of']);
    const world = { ...smtpWorld(flags), signal: this.signal, asOfMs: nowMs };
    const { dns, finish } = await openDns(flags, this.signal);
    try {
      const tlsaPort = flags['tlsa-port'] ?? flags.port;
      const found = await findHost({ host, preference: null, mxDnssec: 'secure' }, tlsaPort, dns);
      const services = [{ port: flags.port, implicitTls: false }];
      const [seen] = await askAll([found], {
        ...world,
        dns,
        services,
        talk: (place) => converse(place, world),
      });
      const rollover: Rollover = {
        host,
        port: flags.port,
        dane: found.dane,
        present: presented(seen),
        next: content.certificates,
        publishedMs: flags.published === undefined ? null : judgeTime(flags.published, 'published'),
        nowMs,
      };
      return this.emit({ target: args.host, ...judgeRollover(rollover) }, renderTlsaCheck);
    } finally {
      finish();
    }
  }
}

function presented(seen: Awaited<ReturnType<typeof askAll>>[number] | undefined): Rollover['present'] {
  if (!seen) return { reason: 'it has no address' };
  if (!isTalk(seen.talk)) return { reason: seen.talk.message.replace(/\.$/, '') };
  const { tls, fault, starttls } = seen.talk;
  if (tls) return { chain: tls.chain };
  return {
    reason: fault?.message ?? (starttls === 'not-offered' ? 'STARTTLS is not offered' : 'there is no TLS'),
  };
}

import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand, judgeTime } from '../../src/cli/base.ts';
import { withEnvironment } from '../../src/cli/flags.ts';
import { renderSrsForward } from '../../src/cli/render/srs.ts';
import { readSecrets, refuseSecretOnArgv } from '../../src/cli/secrets.ts';
import { collectTargets } from '../../src/cli/targets.ts';
import { warn } from '../../src/cli/text.ts';
import { parseDomain } from '../../src/dns/names.ts';
import { AppError, ExitCode } from '../../src/errors.ts';
import type { SrsForwardResult } from '../../src/schema/srs-forward.ts';
import { forwardSrs } from '../../src/srs/forward.ts';
import { forwardReport } from '../../src/srs/report.ts';

export default class SrsForward extends BaseCommand {
  static override summary = 'Rewrite the sender of forwarded mail (SRS), so that SPF holds for it.';
  static override description =
    'Prints the sender to use when a message is passed on from the domain given: SRS0, or SRS1 when the sender was ' +
    'rewritten before. Addresses and hashes are those of Mail::SRS, libsrs2 and postsrsd, so secrets can be ' +
    'shared with them. The null sender and senders of your own domains stay as they are.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> joe@example.net --domain forwarder.example --secret-file /etc/postsrsd.secret',
    '<%= config.bin %> <%= command.id %> - --domain forwarder.example --secret-file srs.secret < senders.txt',
  ];
  static override several = true;
  static override args = {
    sender: Args.string({
      description: 'Address in MAIL FROM; "-" reads a list from standard input.',
      required: true,
      multiple: true,
      ignoreStdin: true,
    }),
  };
  static override flags = withEnvironment({
    domain: Flags.string({
      summary: 'Your domain, which takes the bounces.',
      required: true,
      helpValue: 'DOMAIN',
    }),
    own: Flags.string({
      summary: 'Another domain of yours, whose senders stay as they are; several may be given.',
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'DOMAIN',
    }),
    'secret-file': Flags.string({
      summary: 'File with mode 0600, a secret a line; the first one signs.',
      helpValue: 'FILE',
    }),
    secret: Flags.string({ summary: 'Refused: a secret does not belong here.', hidden: true }),
    separator: Flags.option({
      summary: 'Character behind the tag; "+" and "-" suit servers that cut local parts there.',
      options: ['=', '+', '-'] as const,
      default: '=' as const,
    })(),
    'hash-length': Flags.integer({
      summary: 'Characters of the hash.',
      default: 4,
      min: 4,
      max: 27,
      helpValue: 'N',
    }),
    'as-of': Flags.string({ summary: 'Take this for the current time (ISO 8601).', helpValue: 'TIME' }),
  });

  override async run(): Promise<readonly SrsForwardResult[]> {
    const { args, flags } = await this.parse(SrsForward);
    refuseSecretOnArgv(flags.secret);
    const options = {
      domain: ownDomain('domain', flags.domain),
      own: (flags.own ?? []).map((domain) => ownDomain('own', domain)),
      secrets: readSecrets(flags['secret-file'], 'postern-srs-secret'),
      nowMs: judgeTime(flags['as-of']),
      separator: flags.separator,
      hashLength: flags['hash-length'],
    };
    return this.each(
      await collectTargets(args.sender, undefined),
      { parallel: 1, ordered: true },
      async (sender) => {
        const result = forwardReport(sender, forwardSrs(sender, options));
        for (const { message } of result.checks) this.note([warn(`${sender}: ${message}`)]);
        return result;
      },
      renderSrsForward,
    );
  }
}

function ownDomain(flag: string, text: string): string {
  const domain = parseDomain(text);
  if (domain.kind === 'name') return domain.ascii;
  throw new AppError(`--${flag}: '${text}' ${domain.reason}.`, {
    code: 'E_DOMAIN',
    exit: ExitCode.usage,
    hint: 'Give a domain such as forwarder.example.',
  });
}

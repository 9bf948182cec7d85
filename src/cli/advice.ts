import type { Interfaces } from '@oclif/core';
import * as Flags from '@oclif/core/flags';
import { parseDomain } from '../dns/names.ts';
import { AppError, ExitCode } from '../errors.ts';
import type { Advisers } from '../sender/advice.ts';
import { withEnvironment } from './flags.ts';

/** Others whose opinion of a domain is shown; it never decides. */
export const adviceFlags = withEnvironment({
  voucher: Flags.string({
    summary: 'Show whether this service vouches for the author’s domain (VBR); several may be given.',
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'HOST',
    helpGroup: 'TRUST',
  }),
  'allow-list': Flags.string({
    summary: 'Show whether this DNS list of good domains has the author’s; several may be given.',
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'ZONE',
    helpGroup: 'TRUST',
  }),
});

/** @throws AppError E_TARGET for what is no host name */
export function advisersOf(flags: Interfaces.InferredFlags<typeof adviceFlags>): Advisers {
  return {
    vouchers: (flags.voucher ?? []).map(hostName),
    allowLists: (flags['allow-list'] ?? []).map(hostName),
  };
}

function hostName(text: string): string {
  const parsed = parseDomain(text, { underscores: true });
  if (parsed.kind === 'name') return parsed.ascii;
  throw new AppError(`'${text}' ${parsed.reason}.`, {
    code: 'E_TARGET',
    exit: ExitCode.usage,
    hint: 'Give the name of the service, such as mediator.example.',
  });
}

import { parseDomain } from '../dns/names.ts';
import type { Resolver } from '../dns/types.ts';
import { AppError, ExitCode } from '../errors.ts';
import { findExchangers } from './exchangers.ts';

/**
 * Names of the exchangers of one's own domain.
 *
 * @throws AppError E_TARGET (exit 64) for what is no domain, E_DNS (exit 69) when the DNS does not tell
 */
export async function ownExchangers(text: string, dns: Resolver): Promise<string[]> {
  const domain = parseDomain(text);
  if (domain.kind === 'invalid') {
    throw new AppError(`--mx: '${text}' ${domain.reason}.`, {
      code: 'E_TARGET',
      exit: ExitCode.usage,
      hint: 'Give your own domain, such as example.org.',
    });
  }
  const { kind, hosts, checks } = await findExchangers(domain.ascii, dns);
  if (kind === 'listed' || kind === 'implicit') return hosts.map(({ exchange }) => exchange);
  throw new AppError(`--mx: ${checks[0]?.message ?? `the exchangers of ${text} are not known.`}`, {
    code: 'E_DNS',
    exit: ExitCode.unavailable,
    hint: 'Name your servers with --trusted-by instead.',
  });
}

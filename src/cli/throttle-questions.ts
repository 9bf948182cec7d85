import { AppError, ExitCode } from '../errors.ts';
import type { ThrottleBlock, ThrottleSite } from '../schema/throttle.ts';
import { clientNamed } from '../throttle/client.ts';
import { DEFAULT_PRESET, PRESET_NAMES, parseLimits } from '../throttle/limits.ts';
import { siteName } from '../throttle/site-name.ts';
import { ask, canAsk, choose } from './prompt.ts';
import { servicePath } from './throttle-service.ts';

// What is asked where a person types a command without its arguments. Elsewhere the argument is missing.

type Caller = (path: string) => Promise<unknown>;

function missing(what: string, hint: string): AppError {
  return new AppError(`There is no ${what}.`, { code: 'E_USAGE', exit: ExitCode.usage, hint });
}

/** The one that is given, or one of those that the service has. @throws AppError E_USAGE (exit 64) without a terminal */
export async function siteOf(given: string | undefined, caller: Caller, allowed: boolean): Promise<string> {
  if (given !== undefined) return given;
  if (!canAsk(allowed)) throw missing('site', 'Name it: "throttle site list" lists them.');
  const { sites } = (await caller(servicePath(['sites']))) as { sites: readonly ThrottleSite[] };
  return choose({
    message: 'Site:',
    choices: sites.map(({ name, policy }) => ({
      value: name,
      name: `${name}  ${policy.limits}${policy.mode === 'enforce' ? '' : `, mode ${policy.mode}`}`,
    })),
  });
}

/** The name of a site that does not exist yet. @throws AppError E_USAGE (exit 64) without a terminal */
export async function newSiteName(given: string | undefined, allowed: boolean): Promise<string> {
  if (given !== undefined) return given;
  if (!canAsk(allowed)) throw missing('name', 'Name the site: throttle site add www.example.org.');
  const validate = (text: string) => siteName(text) !== null || 'A host name, such as www.example.org.';
  return ask({ message: 'Name of the site:', flag: 'name', validate }, allowed);
}

function presetWords(preset: (typeof PRESET_NAMES)[number]): string {
  const { requests, bytes } = parseLimits(preset);
  const words = `${requests.toLocaleString('en')} requests, ${bytes / 1e6} MB`;
  return `${preset.padEnd(11)} ${words}${preset === DEFAULT_PRESET ? '; most sites keep this' : ''}`;
}

/** Limits, of the five presets in their order, or a pair of one's own. To be asked only where {@link canAsk}. */
export async function askLimits(current: string, allowed: boolean): Promise<string> {
  const own = 'own';
  const chosen = await choose({
    message: 'Each client may have in ten minutes:',
    choices: [
      ...PRESET_NAMES.map((preset) => ({ value: preset, name: presetWords(preset) })),
      { value: own, name: 'a pair of your own' },
    ],
    chosen: current,
  });
  if (chosen !== own) return chosen;
  const validate = (text: string) => {
    try {
      parseLimits(text);
      return true;
    } catch (error) {
      return (error as AppError).hint ?? (error as Error).message;
    }
  };
  return ask({ message: 'Requests and bytes, such as 300/10M:', flag: 'limits', validate }, allowed);
}

/** The client that is given, or one that is typed. @throws AppError E_USAGE (exit 64) without a terminal */
export async function clientFrom(given: string | undefined, allowed: boolean): Promise<string> {
  if (given !== undefined) return given;
  if (!canAsk(allowed)) throw missing('client', 'Give an IPv4 or IPv6 address.');
  const validate = (text: string) => clientNamed(text.trim()) !== null || 'An IPv4 or IPv6 address.';
  return (await ask({ message: 'Address:', flag: 'client', validate }, allowed)).trim();
}

/** The client that is given, or one of those that are blocked. @throws AppError E_USAGE (exit 64) without a terminal */
export async function blockedClient(
  given: string | undefined,
  caller: Caller,
  allowed: boolean,
): Promise<string> {
  if (given !== undefined) return given;
  if (!canAsk(allowed)) throw missing('client', 'Give its address: "throttle blocks" lists them.');
  const { blocks } = (await caller(servicePath(['blocks']))) as { blocks: readonly ThrottleBlock[] };
  if (blocks.length === 0) throw missing('client', 'Nobody is blocked.');
  return choose({
    message: 'Unblock:',
    choices: blocks.map(({ client, site, limit, until }) => ({
      value: client,
      name: `${client}  ${site}, by ${limit}, until ${until}`,
    })),
  });
}

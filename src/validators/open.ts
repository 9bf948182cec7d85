import type { ServedKeys } from '../keys/served.ts';
import { parseApiKey, YUBICLOUD } from './address.ts';
import { type Ask, openAsk } from './http.ts';
import { localValidator } from './local.ts';
import { remoteValidator } from './remote.ts';
import type { Validator, ValidatorConfig } from './types.ts';

/** What validators need of the world. */
export type ValidatorWorld = {
  readonly store: ServedKeys | undefined;
  readonly nowMs: () => number;
  /** Reads a file that only its owner can read. */
  readonly readSecret: (file: string) => string;
  readonly timeoutMs: number;
  /** Certificate authorities instead of those of Node, PEM. */
  readonly ca?: string | undefined;
};

/** A validator as it is shown. */
export function nameOf(config: ValidatorConfig): string {
  if (config.kind === 'local') return 'local';
  return config.urls.length === 1 && config.urls[0] === YUBICLOUD ? 'yubicloud' : config.urls.join(' ');
}

/**
 * Opens validators by their configuration; the same one is opened once.
 *
 * @throws AppError E_API_KEY (exit 78), E_SECRET_MODE (exit 77), E_INPUT, for the file of an API key
 */
export function validatorOpener(world: ValidatorWorld): (config: ValidatorConfig) => Promise<Validator> {
  const opened = new Map<string, Promise<Validator>>();
  let ask: Promise<Ask> | undefined;
  const make = async (config: ValidatorConfig): Promise<Validator> => {
    if (config.kind === 'local') return localValidator(world.store, world.nowMs);
    const { urls, clientId, apiKeyFile, syncLevel } = config;
    const apiKey = apiKeyFile === null ? null : parseApiKey(world.readSecret(apiKeyFile), apiKeyFile);
    ask ??= openAsk(world.ca);
    return remoteValidator({
      name: nameOf(config),
      urls,
      clientId,
      apiKey,
      syncLevel,
      timeoutMs: world.timeoutMs,
      ask: await ask,
    });
  };
  return (config) => {
    const id = JSON.stringify(config);
    const found = opened.get(id) ?? make(config);
    opened.set(id, found);
    found.catch(() => opened.delete(id));
    return found;
  };
}

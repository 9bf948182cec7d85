import { readFileSync } from 'node:fs';
import type { Interfaces } from '@oclif/core';
import * as Flags from '@oclif/core/flags';
import { AppError, ExitCode } from '../errors.ts';
import type { ServedKeys } from '../keys/served.ts';
import { parseClientId, parseUrls, YUBICLOUD } from '../validators/address.ts';
import type { ValidatorWorld } from '../validators/open.ts';
import type { ValidatorConfig } from '../validators/types.ts';
import { duration, withEnvironment } from './flags.ts';
import { cannotRead } from './input.ts';
import { readSecretFile } from './secrets.ts';

/** Flags that choose who validates OTPs. */
export const validatorFlags = withEnvironment({
  validator: Flags.string({
    summary: 'Who validates: local (the store of this machine), yubicloud, or the addresses of a service.',
    default: 'local',
    helpValue: 'WHO',
    helpGroup: 'VALIDATOR',
  }),
  'client-id': Flags.string({
    summary: 'Number of the client at the service.',
    helpValue: 'N',
    helpGroup: 'VALIDATOR',
  }),
  'api-key-file': Flags.string({
    summary: 'Private file with the API key of the client; without it the answers are not signed.',
    helpValue: 'FILE',
    helpGroup: 'VALIDATOR',
  }),
  'sync-level': Flags.string({
    summary: 'Share of its peers that the service has to ask: fast, secure, or 0 to 100.',
    helpValue: 'LEVEL',
    helpGroup: 'VALIDATOR',
  }),
});

/** Flags of everything that asks a validator. */
export const askFlags = withEnvironment({
  'validator-ca': Flags.string({
    summary: 'Trust the certificate authorities in this PEM file instead of those of Node.',
    helpValue: 'FILE',
    helpGroup: 'VALIDATOR',
  }),
  'timeout-validator': duration({
    summary: 'Wait for a validation service.',
    default: 8000,
    helpGroup: 'TIME-OUT',
  }),
});

type ValidatorFlags = Interfaces.InferredFlags<typeof validatorFlags>;
type AskFlags = Interfaces.InferredFlags<typeof askFlags>;

function wrong(message: string, hint: string): AppError {
  return new AppError(message, { code: 'E_VALIDATOR', exit: ExitCode.usage, hint });
}

function syncLevelOf(text: string | undefined): string | null {
  if (text === undefined) return null;
  if (/^(fast|secure|\d{1,2}|100)$/.test(text)) return text;
  throw wrong(`--sync-level: '${text}' is none.`, 'Write fast, secure, or a number from 0 to 100.');
}

/**
 * Who validates, by the flags.
 *
 * @throws AppError E_VALIDATOR (exit 64)
 */
export function validatorConfig(flags: ValidatorFlags): ValidatorConfig {
  const { validator, 'client-id': clientId, 'api-key-file': apiKeyFile } = flags;
  if (validator === 'local') return { kind: 'local' };
  if (validator === 'yubicloud' && apiKeyFile === undefined)
    throw wrong('YubiCloud is asked with a signature.', 'Name the file of the API key with --api-key-file.');
  return {
    kind: 'remote',
    urls: validator === 'yubicloud' ? [YUBICLOUD] : parseUrls(validator),
    clientId: parseClientId(clientId),
    apiKeyFile: apiKeyFile ?? null,
    syncLevel: syncLevelOf(flags['sync-level']),
  };
}

function readCa(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw cannotRead(file, error);
  }
}

/** What validators need, by the flags. */
export function validatorWorld(flags: AskFlags, store: ServedKeys | undefined): ValidatorWorld {
  const ca = flags['validator-ca'];
  return {
    store,
    nowMs: Date.now,
    readSecret: readSecretFile,
    timeoutMs: flags['timeout-validator'],
    ...(ca !== undefined && { ca: readCa(ca) }),
  };
}

import { readFileSync } from 'node:fs';
import type { Interfaces } from '@oclif/core';
import * as Flags from '@oclif/core/flags';
import type { AgeFrom } from '../age/age.ts';
import type { Launch } from '../browser/firefox.ts';
import { type Dav, davUrl } from '../browser/webdav.ts';
import { AppError, ExitCode } from '../errors.ts';
import { firefoxFlags, firefoxFor, profileFlags, profileFor, surroundings } from './browser-profile.ts';
import { duration, withEnvironment } from './flags.ts';
import { cannotRead } from './input.ts';
import { ask } from './prompt.ts';
import { readSecretFile } from './secrets.ts';

/** Flags of what speaks to a WebDAV server. */
export const davFlags = withEnvironment({
  user: Flags.string({ summary: 'Name at the server.', helpValue: 'NAME', dependsOn: ['password-file'] }),
  'password-file': Flags.string({
    summary: 'Its password is in this file, which only you can read.',
    helpValue: 'FILE',
  }),
  'dav-ca': Flags.string({
    summary: 'Trust the certificates in this PEM file instead of the usual ones.',
    helpValue: 'FILE',
  }),
  'timeout-dav': duration({
    summary: 'Wait this long for each answer.',
    default: 30_000,
    defaultHelp: async () => '30s',
    helpValue: 'DURATION',
  }),
});

/** Flags of what works on a profile's backups. */
export const backupProfileFlags = {
  ...profileFlags,
  ...firefoxFlags,
  ...davFlags,
  ...withEnvironment({
    profile: Flags.string({ summary: 'Name of the profile; the default one otherwise.', helpValue: 'NAME' }),
  }),
};

/** A WebDAV folder, as flags have it. */
export function davFor(
  url: string,
  flags: Interfaces.InferredFlags<typeof davFlags>,
  signal: AbortSignal,
): Dav {
  const [passwords, ca] = [flags['password-file'], flags['dav-ca']];
  return {
    url: davUrl(url),
    user: flags.user,
    password: passwords === undefined ? undefined : readSecretFile(passwords),
    ca: ca === undefined ? undefined : readText(ca),
    timeoutMs: flags['timeout-dav'],
    signal,
  };
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw cannotRead(file, error);
  }
}

/** The Firefox and the profile to work with. */
export function launchFor(
  flags: Interfaces.InferredFlags<typeof backupProfileFlags>,
  signal: AbortSignal,
): Launch {
  const { folder } = profileFor(flags.profile, flags['profile-dir']);
  const binary = firefoxFor(folder, flags);
  const { env, platform } = surroundings();
  if (binary !== undefined)
    return { binary, folder, env, platform, signal, timeoutMs: flags['timeout-firefox'] };
  throw new AppError('There is no Firefox to ask.', {
    code: 'E_FIREFOX',
    exit: ExitCode.unavailable,
    hint: 'Only Firefox can read its logins: name it with --firefox.',
  });
}

/** Flags of what decrypts. */
export const decryptFlags = withEnvironment({
  'identity-file': Flags.string({
    summary: 'Decrypt with the age keys in this file, which only you can read.',
    helpValue: 'FILE',
    exclusive: ['passphrase-file'],
  }),
  'passphrase-file': Flags.string({
    summary: 'Decrypt with the passphrase in this file, which only you can read.',
    helpValue: 'FILE',
  }),
});

/** What to decrypt with: as the flags say, or a passphrase that is asked for. */
export async function readAgeFrom(
  flags: Interfaces.InferredFlags<typeof decryptFlags>,
  mayAsk: boolean,
): Promise<AgeFrom> {
  const [identities, passphrase] = [flags['identity-file'], flags['passphrase-file']];
  if (identities !== undefined) {
    const lines = readSecretFile(identities).split(/\r?\n/);
    return { identities: lines.filter((line) => line !== '' && !line.startsWith('#')) };
  }
  if (passphrase !== undefined) return { passphrase: readSecretFile(passphrase) };
  return { passphrase: await ask({ message: 'Passphrase', flag: 'passphrase-file', secret: true }, mayAsk) };
}

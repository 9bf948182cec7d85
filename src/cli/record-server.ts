import type { Interfaces } from '@oclif/core';
import * as Flags from '@oclif/core/flags';
import { AppError, ExitCode } from '../errors.ts';
import { recordText, type TransferRecord } from '../keys/transfer/record.ts';
import { addressClass } from '../net/address.ts';
import type { Endpoint } from '../service/address.ts';
import { type CallOptions, callService } from '../service/call.ts';
import { withEnvironment } from './flags.ts';
import { readWhole } from './input.ts';
import { readSecretFile } from './secrets.ts';

/** Largest file of certificates, in bytes. */
const MAX_CA_BYTES = 1024 * 1024;

/** Flags of a command that records keys at a validation server elsewhere. */
export const recordServerFlags = withEnvironment({
  server: Flags.string({
    summary:
      'Record a Yubico OTP at this validation server, too, before the key gets it: https://HOST[:PORT] or unix:/PATH, its --admin-listen.',
    helpValue: 'URL',
    dependsOn: ['server-token-file'],
  }),
  'server-token-file': Flags.string({
    summary: 'Private file with the token of that server, its --admin-token-file.',
    helpValue: 'FILE',
  }),
  'server-ca': Flags.string({
    summary: 'Trust the authorities in this file of PEM instead of the well-known ones.',
    helpValue: 'FILE',
  }),
});

type ServerFlags = Interfaces.InferredFlags<typeof recordServerFlags>;

const HINT =
  'Is "postern validation serve" running there with --admin-listen? What was begun is on record here: go on with --resume.';

function badUrl(text: string): AppError {
  return new AppError(`--server: '${text}' is no address of a validation server.`, {
    code: 'E_USAGE',
    exit: ExitCode.usage,
    hint: 'It is https://HOST:PORT or unix:/PATH; http:// only on loopback.',
  });
}

type Place = { readonly endpoint: Exclude<Endpoint, { kind: 'activated' }>; readonly secure: boolean };

/** @throws AppError E_USAGE (exit 64): secrets go over TLS, or do not leave the machine */
export function recordServerOf(text: string): Place {
  const [, path] = /^unix:(\/.+)$/.exec(text) ?? [];
  if (path !== undefined) return { endpoint: { kind: 'unix', path }, secure: false };
  const url = URL.parse(text);
  if (url === null || url.pathname !== '/' || url.search || url.hash || url.username || url.password)
    throw badUrl(text);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const secure = url.protocol === 'https:';
  const near = host === 'localhost' || addressClass(host) === 'loopback';
  if (!secure && !(url.protocol === 'http:' && near)) throw badUrl(text);
  return { endpoint: { kind: 'tcp', host, port: Number(url.port || (secure ? 443 : 80)) }, secure };
}

/**
 * Have a validation server record a key; the same may be sent again at any time.
 *
 * @throws AppError E_USAGE, E_SECRET, E_SERVICE (exit 69), or what the server says: E_TOKEN, E_EXISTS, E_BUSY
 */
export async function recordAtServer(
  flags: ServerFlags,
  record: TransferRecord,
  signal: AbortSignal,
): Promise<void> {
  const { endpoint, secure } = recordServerOf(flags.server ?? '');
  const ca = flags['server-ca'];
  const tls: CallOptions['tls'] = secure
    ? { ca: ca === undefined ? undefined : (await readWhole(ca, MAX_CA_BYTES)).toString('utf8') }
    : undefined;
  await callService(endpoint, `/v1/keys/${record.publicId}`, {
    method: 'PUT',
    body: JSON.parse(recordText(record)),
    token: readSecretFile(flags['server-token-file'] ?? ''),
    signal,
    hint: HINT,
    ...(tls && { tls }),
  });
}

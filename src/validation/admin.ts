import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import { AppError, ExitCode } from '../errors.ts';
import type { ServedKeys } from '../keys/served.ts';
import { adopt } from '../keys/transfer/adopt.ts';
import { keysFromRecords } from '../keys/transfer/record.ts';
import type { Endpoint } from '../service/address.ts';
import { type Call, createApiListener, createBoundedServer } from '../service/api.ts';
import { type Listening, listen } from '../service/listen.ts';
import { Tokens } from '../service/tokens.ts';
import type { Administration } from './clients.ts';
import type { Certificate } from './server.ts';

export type AdminOptions = {
  readonly keys: ServedKeys;
  readonly office: Administration;
  readonly at: Endpoint;
  /** What callers show. */
  readonly token: string;
  readonly activated: ReadonlyMap<string, number>;
  /** Without one this speaks plain HTTP. */
  readonly certificate?: Certificate | undefined;
  readonly nowMs: () => number;
  readonly onEvent: (event: Readonly<Record<string, unknown>>) => void;
};

export type AdminListening = Listening & { readonly replaceCertificate: (next: Certificate) => void };

const TIMES = { headersTimeout: 10_000, requestTimeout: 15_000, connectionsCheckingInterval: 5000 } as const;

function refuse(code: string, message: string, hint: string): AppError {
  return new AppError(message, { code, exit: ExitCode.usage, hint });
}

/** What a database does that is full, locked or read-only: nothing was recorded. */
function notRecorded(cause: unknown): never {
  if (cause instanceof AppError) throw cause;
  throw new AppError('The server could not record the key.', {
    code: 'E_BUSY',
    exit: ExitCode.unavailable,
    hint: 'Try again; the disk of the server may be full.',
    cause,
  });
}

/** Record a key, or say once more what is on record: the same may be sent again at any time. */
async function record(
  { keys, office, nowMs, onEvent }: AdminOptions,
  { params, body }: Call,
): Promise<unknown> {
  const { publicId = '' } = params;
  const found = keysFromRecords(JSON.stringify(body ?? null));
  const [entry] = [...(found?.entries ?? [])];
  if (entry?.publicId !== publicId)
    throw refuse('E_RECORD', 'This is no record of that key.', 'Both sides should have the same version.');
  const act = { actor: 'admin-token', nowMs: nowMs() };
  const how = { nowMs: act.nowMs, dryRun: false, requireProof: false };
  const [kept] = (await adopt(keys, [entry], [], how)).keys;
  if (!kept || kept.outcome === 'conflict' || kept.outcome === 'no-secret') {
    throw refuse(
      'E_EXISTS',
      `The server has other secrets for ${publicId}.`,
      'Go on with "postern yubikey program --resume", or take another id: --public-id random.',
    );
  }
  if (kept.outcome !== 'unchanged') await office.note('key record', publicId, act);
  onEvent({ event: 'record', publicId, outcome: kept.outcome, state: kept.state });
  return { publicId, outcome: kept.outcome, state: kept.state };
}

/**
 * Listen for those who program keys elsewhere: `PUT /v1/keys/PUBLIC-ID` with a record as `--record-to` writes it.
 *
 * @throws AppError E_TOKEN (exit 78), E_CANNOT_LISTEN (exit 69, or 77 without permission)
 */
export async function startAdmin(options: AdminOptions): Promise<AdminListening> {
  const { token, at, activated, certificate, onEvent } = options;
  const tokens = new Tokens();
  tokens.add(token, 'write');
  const listener = createApiListener({
    routes: {
      'PUT /v1/keys/:publicId': (call) => record(options, call).catch(notRecorded),
    },
    permit: ({ headers }) => {
      const right = tokens.rightOf(headers.authorization);
      if (right !== null) return right;
      onEvent({ event: 'error', what: 'admin-token' });
      throw new AppError('The token is not the one of the server.', {
        code: 'E_TOKEN',
        exit: ExitCode.noPermission,
        hint: 'It is in the file of --admin-token-file there.',
      });
    },
    onError: () => onEvent({ event: 'error', what: 'admin' }),
  });
  const server = certificate
    ? createTlsServer({ ...TIMES, ...certificate, minVersion: 'TLSv1.2' }, listener)
    : createBoundedServer(listener, TIMES);
  server.maxConnections = 64;
  const listening = await listen(server, at, { mode: 0o660, activated });
  return {
    ...listening,
    replaceCertificate: (next) => (server as TlsServer).setSecureContext({ ...next, minVersion: 'TLSv1.2' }),
  };
}

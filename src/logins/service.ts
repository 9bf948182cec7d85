import { AppError, ExitCode } from '../errors.ts';
import { addressClass } from '../net/address.ts';
import { parseNetwork } from '../net/network.ts';
import type { Endpoint } from '../service/address.ts';
import { createApi, type Handler, TextAnswer } from '../service/api.ts';
import { type Listening, listen } from '../service/listen.ts';
import { Metrics } from '../service/metrics.ts';
import { Tokens } from '../service/tokens.ts';
import { newSession } from './manage.ts';
import { SESSION_MS } from './session.ts';
import { type Attempt, type LoginVerdict, type LoginWorld, verifyLogin } from './verify.ts';

/** What happened, for the journal: no password, no OTP, and no name that nobody has. */
export type LoginEvent = {
  readonly event: 'login' | 'session' | 'error';
  readonly result?: LoginVerdict['kind'];
  readonly account?: string;
  readonly service?: string;
  readonly address?: string;
  readonly publicId?: string;
  readonly by?: string;
  readonly reason?: string;
};

export type LoginServiceOptions = {
  readonly world: LoginWorld;
  readonly at: Endpoint;
  /** What callers show, over a Unix socket, too. */
  readonly token: string;
  /** Of a Unix socket. */
  readonly mode?: number;
  readonly activated?: ReadonlyMap<string, number>;
  readonly onEvent: (event: LoginEvent) => void;
};

/** Longest text of a field that is taken, in characters. */
const MAX_TEXT = 1024;

function bad(message: string): AppError {
  return new AppError(message, { code: 'E_BODY', exit: ExitCode.usage });
}

function textOf(body: Readonly<Record<string, unknown>>, name: string, fallback: string | null): string {
  const value = body[name] ?? fallback;
  if (typeof value === 'string' && value.length <= MAX_TEXT) return value;
  throw bad(`'${name}' has to be a text of at most ${MAX_TEXT} characters.`);
}

function bodyOf(body: unknown): Readonly<Record<string, unknown>> {
  if (typeof body === 'object' && body !== null && !Array.isArray(body))
    return body as Readonly<Record<string, unknown>>;
  throw bad('The body has to be an object.');
}

function attemptOf(body: Readonly<Record<string, unknown>>): Attempt {
  const otp = textOf(body, 'otp', '');
  return {
    account: textOf(body, 'account', null),
    password: textOf(body, 'password', ''),
    otp: otp === '' ? null : otp,
    service: textOf(body, 'service', 'web').toLowerCase(),
    address: textOf(body, 'address', ''),
  };
}

/** An event without what nobody should read: a password is typed into the field of the name now and then. */
function eventOf({ account, service, address }: Attempt, verdict: LoginVerdict): LoginEvent {
  const known = verdict.kind === 'accepted' || (verdict.kind === 'refused' && verdict.why !== 'no-login');
  return {
    event: 'login',
    result: verdict.kind,
    ...(known && verdict.publicId !== null && { account }),
    ...(verdict.kind === 'accepted' && { account: verdict.account, by: verdict.by }),
    service,
    address,
    ...(verdict.publicId !== null && { publicId: verdict.publicId }),
    ...(verdict.kind !== 'accepted' && { reason: verdict.why }),
  };
}

function lengthOf(body: Readonly<Record<string, unknown>>): number {
  const seconds = body['seconds'] ?? SESSION_MS / 1000;
  if (typeof seconds === 'number' && Number.isInteger(seconds) && seconds >= 60 && seconds <= 86_400)
    return seconds * 1000;
  throw bad("'seconds' has to be a number from 60 to 86400.");
}

function networkOf(body: Readonly<Record<string, unknown>>): string | null {
  const text = textOf(body, 'network', '');
  const network = text === '' ? null : parseNetwork(text);
  if (text !== '' && !network) throw bad("'network' has to be an address or a network.");
  return network?.text ?? null;
}

/** Over TCP this is for programs of the same machine. */
function requireNear(at: Endpoint): void {
  if (at.kind !== 'tcp' || at.host === 'localhost' || addressClass(at.host) === 'loopback') return;
  throw new AppError('Logins are answered on this machine alone.', {
    code: 'E_LISTEN',
    exit: ExitCode.usage,
    hint: 'Listen on unix:/PATH, or on 127.0.0.1.',
  });
}

function routesOf({ world, onEvent }: LoginServiceOptions): Readonly<Record<string, Handler>> {
  const metrics = new Metrics();
  const count = metrics.counter('postern_logins_total', 'Logins, by result and service.');
  const judge = async (attempt: Attempt): Promise<LoginVerdict> => {
    const verdict = await verifyLogin(world, attempt);
    onEvent(eventOf(attempt, verdict));
    count({ result: verdict.kind });
    return verdict;
  };
  return {
    'POST /v1/login': async ({ body }) => {
      const verdict = await judge(attemptOf(bodyOf(body)));
      return verdict.kind === 'accepted'
        ? { result: verdict.kind, account: verdict.account }
        : { result: verdict.kind };
    },
    'POST /v1/sessions': async ({ body }) => {
      const given = bodyOf(body);
      const wanted = {
        service: textOf(given, 'for', 'imap').toLowerCase(),
        network: networkOf(given),
        lengthMs: lengthOf(given),
      };
      const verdict = await judge(attemptOf(given));
      // A session password makes no other one: else an hour never ends.
      if (verdict.kind === 'accepted' && verdict.by === 'session') return { result: 'refused' };
      if (verdict.kind !== 'accepted') return { result: verdict.kind };
      const { account } = verdict;
      const { password, session } = await newSession(world.store, { ...wanted, account }, world.nowMs());
      onEvent({ event: 'session', account, service: wanted.service });
      return { result: 'accepted', account, password, session };
    },
    'GET /healthz': async () => {
      await world.store.keys(['cc']);
      return { status: 'ok' };
    },
    'GET /metrics': () => new TextAnswer('text/plain; version=0.0.4', metrics.render()),
  };
}

/**
 * Answer logins of mail servers and web pages.
 *
 * @throws AppError E_LISTEN (exit 64) for an address that others reach, E_TOKEN (exit 78), E_CANNOT_LISTEN (exit 69)
 */
export async function startLogins(options: LoginServiceOptions): Promise<Listening> {
  const { at, token, mode = 0o660, activated, onEvent } = options;
  requireNear(at);
  const tokens = new Tokens();
  tokens.add(token, 'write');
  const hosts = new Set(['service', 'localhost', '127.0.0.1', '[::1]']);
  const server = createApi({
    routes: routesOf(options),
    gate: { tokens, hosts },
    onError: (error) => onEvent({ event: 'error', reason: error instanceof Error ? error.name : 'unknown' }),
  });
  return listen(server, at, { mode, ...(activated && { activated }) });
}

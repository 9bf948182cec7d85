import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError, ExitCode } from '../errors.ts';
import {
  createApiListener,
  createBoundedServer,
  type Handler,
  StreamAnswer,
  sendFailure,
} from '../service/api.ts';
import { type Listening, listen } from '../service/listen.ts';
import type { Right } from '../service/tokens.ts';
import { KEY_MS, Sessions, type SessionsOptions } from './sessions.ts';
import { siteName } from './site-name.ts';
import { Simulator, type Uploaded } from './upload.ts';

/** A file of the page. */
export type Asset = { readonly type: string; readonly body: Uint8Array };

export type DashboardOptions = SessionsOptions & {
  /** By their paths; `/` is the page. */
  readonly assets: ReadonlyMap<string, Asset>;
  readonly routes: Readonly<Record<string, Handler>>;
  readonly prefix: number;
  /** Largest log that may be sent, in bytes. */
  readonly mostUpload?: number;
  readonly onError: (error: unknown) => void;
};

/** A way in, for whoever may ask the service. */
export type Invitation = { readonly url: string; readonly untilMs: number };

const COOKIE = 'postern_session';
const TOKEN_FIELD = 'x-postern-session';

/** Nothing but the files of the page, nothing inline, no frame around it, no way to make HTML of texts. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': POLICY,
  'x-frame-options': 'DENY',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'cache-control': 'no-store',
};

/** A log takes its time to arrive over a slow line; the simulation bounds it. */
const TIMES = { headersTimeout: 10_000, requestTimeout: 900_000, connectionsCheckingInterval: 5000 };

const SWEEP_MS = 2000;

/** The last event of a session: the page that hears it may find nobody to ask any more. */
const OVER = 'event: over\ndata: {}\n\n';

/** Longest key and longest name of a file, in characters. */
const LONGEST_KEY = 100;
const LONGEST_NAME = 200;

function refuse(code: string, message: string): AppError {
  return new AppError(message, { code, exit: ExitCode.noPermission });
}

function noSession(): AppError {
  return new AppError('The session is over.', {
    code: 'E_SESSION',
    exit: ExitCode.noPermission,
    hint: 'Open a new one: postern throttle dashboard.',
  });
}

function cookieIn(request: IncomingMessage): string {
  return (
    new RegExp(`(?:^|;\\s*)${COOKIE}=([\\w-]{20,100})(?:;|$)`).exec(request.headers.cookie ?? '')?.[1] ?? ''
  );
}

function tokenIn(request: IncomingMessage): string {
  const token = request.headers[TOKEN_FIELD];
  return typeof token === 'string' ? token : '';
}

function uploadedOf(request: IncomingMessage, prefix: number): Uploaded {
  const query = URL.parse(request.url ?? '', 'http://service')?.searchParams;
  const site = query?.get('site') ?? '';
  return {
    name: (query?.get('name') ?? 'the log').slice(0, LONGEST_NAME),
    window: query?.get('window') === 'aligned' ? 'aligned' : 'sliding',
    site: site === '' ? null : siteName(site),
    prefix,
  };
}

/**
 * The dashboard: a page on loopback that exists while somebody has a session or a key for one. A key comes from the
 * service itself, so whoever may use its socket may use the page. The key stands behind the # of the address, which no
 * browser sends; the page exchanges it for a cookie that no script can read and a token that no other port gets.
 */
export class Dashboard {
  private readonly options: DashboardOptions;
  private readonly sessions: Sessions;
  private readonly simulator: Simulator;
  /** Answers without an end, by the cookie of their session. */
  private readonly streams = new Map<ServerResponse, IncomingMessage>();
  private readonly api: (request: IncomingMessage, response: ServerResponse) => void;
  private opened: Promise<Listening> | null = null;
  private listening: Listening | null = null;
  private readonly timer: NodeJS.Timeout;

  constructor(options: DashboardOptions) {
    this.options = options;
    this.sessions = new Sessions(options);
    this.simulator = new Simulator(options.mostUpload);
    this.api = createApiListener({
      routes: { ...options.routes, ...this.streamRoute() },
      permit: (request) => this.permit(request),
      onError: options.onError,
    });
    this.timer = setInterval(() => this.sweep(), SWEEP_MS);
    this.timer.unref();
  }

  /** Where it is reached; null when it is closed. */
  get at(): string | null {
    return this.listening?.at ?? null;
  }

  /** A way in that works once. @param port  on loopback, 0 for any; ignored while it is open */
  async invite(port = 0): Promise<Invitation> {
    this.opened ??= this.open(port);
    const listening = await this.opened.catch((error: unknown) => {
      this.opened = null;
      throw error;
    });
    const untilMs = this.options.now() + KEY_MS;
    return { url: `http://${listening.at}/#${this.sessions.issue()}`, untilMs };
  }

  /** End every session, and listen no more. */
  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.shut();
  }

  private async open(port: number): Promise<Listening> {
    const server = createBoundedServer((request, response) => this.answer(request, response), TIMES);
    this.listening = await listen(server, { kind: 'tcp', host: '127.0.0.1', port });
    return this.listening;
  }

  private async shut(): Promise<void> {
    const listening = this.listening;
    this.opened = null;
    this.listening = null;
    for (const response of this.streams.keys()) response.end();
    await listening?.close(0);
  }

  /** Sessions end although their page still listens, and with the last one the page is closed. */
  private sweep(): void {
    const left = this.sessions.prune();
    for (const [response, request] of this.streams) if (!this.holds(request, false)) response.end(OVER);
    if (!left && this.listening) this.shut().catch(this.options.onError);
  }

  private holds(request: IncomingMessage, active: boolean): boolean {
    return this.sessions.isValid(cookieIn(request), tokenIn(request), active);
  }

  /** Watching is not using: a page that nobody looks at any more ends by itself. */
  private permit(request: IncomingMessage): Right {
    const isStream = (request.url ?? '').startsWith('/v1/events');
    if (this.holds(request, !isStream)) return 'write';
    throw noSession();
  }

  private streamRoute(): Readonly<Record<string, Handler>> {
    const events = this.options.routes['GET /v1/events'];
    return {
      'GET /v1/events': (call) => {
        const answer = events?.(call);
        if (!(answer instanceof StreamAnswer)) return answer;
        return new StreamAnswer((response) => {
          this.streams.set(response, response.req);
          response.on('close', () => this.streams.delete(response));
          answer.begin(response);
        });
      },
    };
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    try {
      this.requireOwnPage(request);
      const path = (request.url ?? '').split('?', 1)[0] ?? '';
      const asset = this.options.assets.get(path);
      if (asset) this.sendAsset(request, response, asset);
      else if (path === '/session') this.changeSession(request, response);
      else if (path === '/v1/simulate') this.simulate(request, response);
      else this.api(request, response);
    } catch (error) {
      sendFailure(response, error, this.options.onError);
    }
  }

  /**
   * A page of somebody else that a browser has open must not get through: not under a name of its own that leads here
   * (DNS rebinding), and not by sending something without being asked (CSRF).
   */
  private requireOwnPage({ headers, method = '', url = '' }: IncomingMessage): void {
    const at = this.listening?.at ?? '';
    if (headers.host !== at) throw refuse('E_FORBIDDEN', 'The dashboard is not reached under that name.');
    const { origin, 'sec-fetch-site': site = 'none' } = headers;
    const isForeign =
      (origin !== undefined && origin !== `http://${at}`) || !/^(?:same-origin|none)$/.test(String(site));
    const isVisit = method === 'GET' && url === '/' && origin === undefined;
    if (isForeign && !isVisit) throw refuse('E_FORBIDDEN', 'Another page may not do that.');
  }

  private sendAsset(request: IncomingMessage, response: ServerResponse, { type, body }: Asset): void {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      request.resume();
      throw new AppError('That cannot be done here.', { code: 'E_METHOD', exit: ExitCode.usage });
    }
    response.writeHead(200, { 'content-type': type, 'content-length': body.length });
    response.end(request.method === 'HEAD' ? undefined : body);
  }

  /** POST with the key begins a session, DELETE ends it. */
  private changeSession(request: IncomingMessage, response: ServerResponse): void {
    request.resume();
    if (request.method === 'DELETE') {
      if (!this.holds(request, true)) throw noSession();
      this.sessions.end(cookieIn(request));
      response
        .writeHead(204, { 'set-cookie': `${COOKIE}=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0` })
        .end();
      return;
    }
    const key = request.headers[TOKEN_FIELD];
    const session =
      request.method === 'POST' && typeof key === 'string' && key.length <= LONGEST_KEY
        ? this.sessions.redeem(key)
        : null;
    if (session === null) throw noSession();
    const body = `${JSON.stringify({ token: session.token })}\n`;
    response.writeHead(200, {
      'content-type': 'application/json',
      'set-cookie': `${COOKIE}=${session.id}; HttpOnly; SameSite=Strict; Path=/`,
    });
    response.end(body);
  }

  private simulate(request: IncomingMessage, response: ServerResponse): void {
    this.permit(request);
    if (request.method !== 'POST')
      throw new AppError('Send a log.', { code: 'E_METHOD', exit: ExitCode.usage });
    this.simulator.simulate(request, uploadedOf(request, this.options.prefix)).then(
      (result) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(result);
      },
      (error: NodeJS.ErrnoException) => {
        if (request.destroyed && !request.complete) response.destroy();
        else sendFailure(response, error, this.options.onError);
      },
    );
  }
}

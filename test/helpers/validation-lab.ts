import { type ChildProcess, spawn } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { KeyChange } from '../../src/keys/served.ts';
import type { KeyState } from '../../src/keys/store.ts';
import { encodeModhex } from '../../src/otp/modhex.ts';
import { makeOtp } from '../../src/otp/token.ts';
import type { Stores } from '../../src/stores/types.ts';
import { LabStore, newSecret, type StoreKind } from './stores.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A key in software. */
export type SoftKey = {
  readonly publicId: string;
  /** In hexadecimal. */
  readonly privateId: string;
  readonly aesKey: string;
  /** What a touch types. */
  otp(useCounter: number, sessionUse?: number, timestamp?: number): string;
};

/** A client of the server, with its key. */
export type LabClient = { readonly id: number; readonly apiKey: Buffer };

/** A running server process. */
export type LabServer = {
  readonly url: string;
  readonly pid: number;
  /** What it has written, a line each. */
  readonly log: readonly string[];
  /** Its metrics, when it tells any. */
  readonly metricsAt: string | undefined;
  readonly loginAt: string | undefined;
  /** Where desks record keys. */
  readonly adminAt: string | undefined;
  /** End it with a signal, and wait until it is gone. @returns its exit code */
  end(signal?: NodeJS.Signals): Promise<number | null>;
};

export class ValidationLab {
  readonly folder = mkdtempSync(join(tmpdir(), 'postern-validation-'));
  readonly store: LabStore;
  private readonly servers: LabServer[] = [];

  constructor(kind?: StoreKind) {
    this.store = new LabStore(this.folder, kind);
  }

  /** Record keys that have the ids `vvcccc…`, numbered. */
  async keys(count: number, state: KeyState = 'active', begin = 0): Promise<SoftKey[]> {
    const changes: KeyChange[] = [];
    const made = Array.from({ length: count }, (_, index) => {
      const id = Buffer.from([0xff, 0, 0, 0, (begin + index) >> 8, (begin + index) & 0xff]);
      const secret = newSecret();
      const publicId = encodeModhex(id);
      changes.push({ kind: 'add', key: { publicId, state, serial: null, secret, counters: null } });
      return {
        publicId,
        privateId: secret.privateId.toString('hex'),
        aesKey: secret.aesKey.toString('hex'),
        otp: (useCounter: number, sessionUse = 0, timestamp = sessionUse * 8) =>
          makeOtp(
            id,
            {
              privateId: secret.privateId.toString('hex'),
              useCounter,
              sessionUse,
              timestamp,
              random: randomBytes(2).readUInt16LE(),
            },
            secret.aesKey,
          ),
      };
    });
    await this.withStores(({ keys }) => keys.apply(changes, Date.now()));
    return made;
  }

  async client(
    limits: { mustSign?: boolean; publicIds?: string[]; networks?: string[] } = {},
  ): Promise<LabClient> {
    const wanted = {
      id: null,
      apiKey: null,
      label: 'test',
      mustSign: false,
      publicIds: [],
      networks: [],
      ...limits,
    };
    return this.withStores(async (stores) => {
      const office = await stores.office();
      const act = { actor: 'test', nowMs: Date.now() };
      const { id, apiKey } = await office.addClient(wanted, act, () => undefined);
      return { id, apiKey: Buffer.from(apiKey) };
    });
  }

  private async withStores<T>(work: (stores: Stores) => Promise<T>): Promise<T> {
    const stores = await this.store.open();
    try {
      return await work(stores);
    } finally {
      await stores.close();
    }
  }

  /** Start a process; the built program, as a user has it. */
  async serve(
    args: readonly string[] = [],
    { wrapper = [] as readonly string[], env = {} } = {},
  ): Promise<LabServer> {
    const [program = process.execPath, ...before] = [...wrapper, process.execPath];
    const child: ChildProcess = spawn(
      program,
      [...before, `${root}bin/run.js`, 'validation', 'serve', '--listen', '127.0.0.1:0', ...args],
      { env: { ...process.env, ...(await this.store.env()), ...env }, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const log: string[] = [];
    let errors = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    const gone = new Promise<number | null>((resolve) => child.once('exit', resolve));
    const started = await new Promise<Record<string, string>>((resolve, reject) => {
      if (child.stdout)
        createInterface(child.stdout).on('line', (text) => {
          log.push(text);
          const event = text.startsWith('{') ? (JSON.parse(text) as Record<string, string>) : {};
          if (event['event'] === 'started') resolve(event);
        });
      gone.then((code) => reject(new Error(`the server ended with ${code}: ${errors}`)), reject);
    });
    const at = started['verify'] ?? '';
    const server: LabServer = {
      url: args.includes('--tls-cert') ? `https://${at}` : `http://${at}`,
      pid: child.pid ?? 0,
      log,
      metricsAt: started['metrics'],
      loginAt: started['login'],
      adminAt: started['admin'],
      end: (signal = 'SIGTERM') => {
        child.kill(signal);
        return gone;
      },
    };
    this.servers.push(server);
    return server;
  }

  async close(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.end('SIGKILL')));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** 32 letters, new each time. */
export function newNonce(): string {
  return randomBytes(16).toString('hex');
}

/** The signature of the protocol, written a second time. */
function sign(values: Readonly<Record<string, string>>, apiKey: Uint8Array): string {
  const text = Object.keys(values)
    .filter((name) => name !== 'h')
    .sort((one, other) => (one < other ? -1 : 1))
    .map((name) => `${name}=${values[name]}`)
    .join('&');
  return createHmac('sha1', apiKey).update(text).digest('base64');
}

export type Asked = {
  readonly status: string;
  readonly http: number;
  readonly values: Readonly<Record<string, string>>;
  readonly body: string;
};

const shared = new Agent({ keepAlive: true, maxSockets: 64 });

/** Send a query as it is. */
export function send(
  url: string,
  query: string,
  { form = false, agent = shared }: { form?: boolean; agent?: Agent } = {},
): Promise<Asked> {
  return new Promise((resolve, reject) => {
    const call = request(
      `${url}/wsapi/2.0/verify${form ? '' : `?${query}`}`,
      {
        agent,
        method: form ? 'POST' : 'GET',
        ...(form && { headers: { 'content-type': 'application/x-www-form-urlencoded' } }),
      },
      (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          body += chunk;
        });
        response.on('end', () => {
          const lines = body.split(/\r?\n/).filter((text) => text !== '');
          const values = Object.fromEntries(
            lines.map((text) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)]),
          );
          resolve({ status: values['status'] ?? '', http: response.statusCode ?? 0, values, body });
        });
        response.on('error', reject);
      },
    );
    call.on('error', reject);
    call.end(form ? query : undefined);
  });
}

export type Question = {
  readonly client: LabClient;
  readonly otp: string;
  readonly nonce?: string;
  readonly signed?: boolean;
  readonly more?: Readonly<Record<string, string>>;
  readonly form?: boolean;
};

/** Ask as a client does, and check the signature of the answer. */
export async function ask(
  url: string,
  { client, otp, nonce = newNonce(), signed = true, more = {}, form = false }: Question,
): Promise<Asked> {
  const values: Record<string, string> = { id: String(client.id), nonce, otp, ...more };
  if (signed) values['h'] = sign(values, client.apiKey);
  const query = Object.entries(values)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join('&');
  const answer = await send(url, query, { form });
  if (answer.status !== 'NO_SUCH_CLIENT' && answer.values['h'] !== sign(answer.values, client.apiKey))
    throw new Error(`the answer ${answer.status} is not signed with the key of the client`);
  return answer;
}

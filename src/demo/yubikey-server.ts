import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { get } from 'node:http';
import { createInterface } from 'node:readline';
import { databaseOf, masterKeyOf, openOrCreateStore } from '../keys/open.ts';
import { encodeModhex } from '../otp/modhex.ts';
import type { YubikeyStory } from '../schema/demo.ts';
import { openAdministration } from '../validation/clients.ts';
import { WrongOtps } from '../validation/limits.ts';
import { openValidationStore } from '../validation/sqlite-store.ts';
import { answerVerify } from '../validation/verify.ts';
import { Extended, encodeSlot, NO_CODE, type SlotContent, Ticket } from '../yubikey/slot.ts';

/** How long the server may take to start, and to answer, in milliseconds. */
const PATIENCE_MS = 20_000;

/** What a key has in slot 1 when it comes from the factory; made up for one that never was there. */
export const FACTORY: SlotContent = {
  fixed: Buffer.from('000000abcdef', 'hex'),
  uid: Buffer.from('0a0b0c0d0e0f', 'hex'),
  key: Buffer.from('f0e0d0c0b0a090807060504030201000', 'hex'),
  accessCode: NO_CODE,
  ticket: Ticket.enter,
  config: 0,
  extended: Extended.serialByApi | Extended.allowUpdate,
};

/** A slot as a key in software keeps it. */
export const FACTORY_SLOT = {
  config: encodeSlot(FACTORY).toString('hex'),
  useCounter: 0,
  sessionUse: -1,
  movingFactor: 0,
};

type Status = YubikeyStory['server'][number]['status'];

/** Somebody who says whether an OTP is right. */
export type Judge = { readonly ask: (otp: string) => Promise<Status> };

/** A client that may ask; its key is not needed, as nothing of it is signed. */
async function addClient(folder: string, nowMs: number): Promise<number> {
  const place = { folder };
  const office = await openAdministration(databaseOf(place), masterKeyOf(place));
  const wanted = { id: null, apiKey: null, label: 'demo', mustSign: false, publicIds: [], networks: [] };
  const { id } = await office.addClient(wanted, { actor: 'demo', nowMs }, () => undefined);
  await office.close();
  return id;
}

const queryOf = (client: number, otp: string) =>
  `id=${client}&nonce=${randomBytes(16).toString('hex')}&otp=${otp}`;

/** What YubiCloud knows of a key: the secrets from the factory. Nothing is asked over the network. */
export async function cloudOf(
  folder: string,
  nowMs: number,
): Promise<Judge & { close: () => Promise<void> }> {
  const place = { folder };
  const { store: keys } = await openOrCreateStore(place);
  const secret = { privateId: Buffer.from(FACTORY.uid), aesKey: Buffer.from(FACTORY.key) };
  const publicId = encodeModhex(FACTORY.fixed);
  keys.add({ publicId, state: 'active', serial: null, secret, counters: null }, nowMs);
  keys.close();
  const client = await addClient(folder, nowMs);
  const store = await openValidationStore(databaseOf(place), masterKeyOf(place));
  const world = {
    store,
    delay: 'off',
    wrong: new WrongOtps(),
    nowMs: () => nowMs,
    onEvent: () => undefined,
  } as const;
  return {
    ask: async (otp) => {
      const pairs = [...new URLSearchParams(queryOf(client, otp))];
      return (await answerVerify(world, pairs, '127.0.0.1')).status;
    },
    close: store.close,
  };
}

/** The server in a process of its own, as a service manager runs it. */
class OwnServer implements Judge {
  private readonly program: readonly string[];
  private readonly folder: string;
  private readonly client: number;
  private child: ChildProcess | undefined;
  private at = '';

  constructor(program: readonly string[], folder: string, client: number) {
    this.program = program;
    this.folder = folder;
    this.client = client;
  }

  async start(): Promise<void> {
    const [node = '', ...before] = this.program;
    const args = [...before, 'validation', 'serve', '--listen', '127.0.0.1:0', '--store', this.folder];
    const child = spawn(node, args, { stdio: ['ignore', 'pipe', 'ignore'], timeout: 10 * PATIENCE_MS });
    this.child = child;
    for await (const text of createInterface({ input: child.stdout })) {
      const [, at] = /"event":"started","verify":"([^"]+)"/.exec(text) ?? [];
      if (at === undefined) continue;
      this.at = at;
      child.stdout.resume();
      return;
    }
    throw new Error('the server of the demonstration did not start');
  }

  ask(otp: string): Promise<Status> {
    return new Promise((resolve, reject) => {
      const url = `http://${this.at}/wsapi/2.0/verify?${queryOf(this.client, otp)}`;
      get(url, { agent: false, timeout: PATIENCE_MS }, (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => {
          body += chunk.toString();
        });
        response.on('end', () => resolve((/^status=(\w+)/m.exec(body)?.[1] ?? '') as Status));
      }).on('error', reject);
    });
  }

  /** As when the power fails: nothing is put in order. */
  async kill(): Promise<void> {
    const { child } = this;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }
}

/**
 * Run a server on the store for as long as the work lasts.
 *
 * @param program  how this program is called
 * @param work  may have it killed, as a power failure does, and started again
 */
export async function withOwnServer<T>(
  program: readonly string[],
  folder: string,
  nowMs: number,
  work: (server: Judge, killAndRestart: () => Promise<void>) => Promise<T>,
): Promise<T> {
  const server = new OwnServer(program, folder, await addClient(folder, nowMs));
  try {
    await server.start();
    return await work(server, async () => {
      await server.kill();
      await server.start();
    });
  } finally {
    await server.kill();
  }
}

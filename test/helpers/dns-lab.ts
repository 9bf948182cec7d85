import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Server, type Socket as StreamSocket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import {
  type Answer,
  AUTHENTIC_DATA,
  CHECKING_DISABLED,
  type DecodedPacket,
  decode,
  encode,
  RECURSION_AVAILABLE,
  RECURSION_DESIRED,
} from 'dns-packet';

/** A question as it arrived, and the means to answer it badly. */
export type LabQuery = {
  readonly id: number;
  /** As sent, in mixed case. */
  readonly name: string;
  readonly type: string;
  readonly via: 'udp' | 'tcp';
  readonly checkingDisabled: boolean;
  readonly edns: boolean;
  readonly packet: DecodedPacket;
  /** How many questions came before this one. */
  readonly index: number;
  /** Send a whole message: over TCP the length goes in front. */
  send(message: Buffer): void;
  /** Send bytes as they are; over UDP one datagram. */
  raw(bytes: Buffer): void;
  /** TCP: end the connection. */
  hangUp(): void;
};

export type LabReply = {
  readonly id?: number;
  readonly name?: string;
  readonly type?: Answer['type'];
  /** Number of the response code. */
  readonly rcode?: number;
  readonly flags?: number;
  readonly ad?: boolean;
  readonly answers?: readonly Answer[];
  readonly authorities?: readonly Answer[];
  /** RFC 8914 codes with texts. */
  readonly ede?: readonly (readonly [number, string])[];
};

/** A DNS server on 127.0.0.1 that does what it is told, however wrong. */
export type DnsLab = {
  readonly port: number;
  readonly queries: LabQuery[];
  close(): Promise<void>;
};

export const soa: Answer = {
  type: 'SOA',
  name: 'test',
  ttl: 600,
  data: {
    mname: 'ns.test',
    rname: 'hostmaster.test',
    serial: 1,
    refresh: 2,
    retry: 3,
    expire: 4,
    minimum: 60,
  },
};

/** A well-formed reply to a question; every part can be bent. */
export function replyTo(query: LabQuery, reply: LabReply = {}): Buffer {
  const options = (reply.ede ?? []).map(([code, text]) => ({
    code,
    data: Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(text)]),
  }));
  const flags = RECURSION_DESIRED | RECURSION_AVAILABLE | (reply.ad === true ? AUTHENTIC_DATA : 0);
  return encode({
    type: 'response',
    id: reply.id ?? query.id,
    flags: (reply.flags ?? flags) | (reply.rcode ?? 0),
    questions: [{ name: reply.name ?? query.name, type: reply.type ?? (query.type as Answer['type']) }],
    answers: [...(reply.answers ?? [])],
    authorities: [...(reply.authorities ?? [])],
    additionals: query.edns ? [optRecord(options)] : [],
  });
}

function optRecord(options: readonly { code: number; data: Buffer }[]): Answer {
  return {
    type: 'OPT',
    name: '.',
    udpPayloadSize: 1232,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    // An option is its code and bytes here; 15 is not in the package's list.
    options: options.map(({ data }) => ({ code: 15, data })) as never,
  };
}

/** @param handle  called for each question; nothing is sent unless it does */
export async function startDnsLab(handle: (query: LabQuery) => void): Promise<DnsLab> {
  const queries: LabQuery[] = [];
  const receive = (bytes: Buffer, means: Pick<LabQuery, 'via' | 'send' | 'raw' | 'hangUp'>) => {
    const query = { ...describe(bytes), ...means, index: queries.length };
    queries.push(query);
    handle(query);
  };
  const { tcp, udp, port } = await listenTwice(receive);
  return {
    port,
    queries,
    async close() {
      udp.close();
      await closeServer(tcp);
    },
  };
}

/** The same behind TLS (RFC 7858). */
export async function startTlsLab(options: TlsOptions, handle: (query: LabQuery) => void): Promise<DnsLab> {
  const queries: LabQuery[] = [];
  const server = createTlsServer(options, (socket) =>
    serveStream(socket, (bytes, means) => {
      const query = { ...describe(bytes), ...means, index: queries.length };
      queries.push(query);
      handle(query);
    }),
  );
  const { port } = await listen(server);
  return { port, queries, close: () => closeServer(server) };
}

/** DNS over HTTPS (RFC 8484); `handle` may also spoil the response itself. */
export async function startHttpsLab(
  options: TlsOptions,
  handle: (query: LabQuery, response: ServerResponse) => void,
): Promise<DnsLab & { readonly requests: IncomingMessage[] }> {
  const queries: LabQuery[] = [];
  const requests: IncomingMessage[] = [];
  const server = createHttpsServer(options, async (request, response) => {
    requests.push(request);
    const body = await buffer(request);
    const send = (message: Buffer) =>
      response.writeHead(200, { 'content-type': 'application/dns-message' }).end(message);
    const means = { via: 'tcp', send, raw: send, hangUp: () => request.socket.destroy() } as const;
    const query = { ...describe(body), ...means, index: queries.length };
    queries.push(query);
    handle(query, response);
  });
  const { port } = await listen(server);
  return { port, queries, requests, close: () => closeServer(server) };
}

async function closeServer(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}

type Receive = (bytes: Buffer, means: Pick<LabQuery, 'via' | 'send' | 'raw' | 'hangUp'>) => void;

function describe(bytes: Buffer) {
  const packet = decode(bytes);
  const question = packet.questions?.[0];
  return {
    id: packet.id ?? 0,
    name: question?.name ?? '',
    type: question?.type ?? '',
    checkingDisabled: ((packet.flags ?? 0) & CHECKING_DISABLED) !== 0,
    edns: packet.additionals?.some((record) => record.type === 'OPT') === true,
    packet,
  };
}

async function listen(server: Server): Promise<AddressInfo> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server.address() as AddressInfo;
}

function serveStream(socket: StreamSocket, receive: Receive): void {
  let held = Buffer.alloc(0);
  const raw = (bytes: Buffer) => void (socket.destroyed || socket.write(bytes));
  const send = (message: Buffer) => {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(message.length);
    raw(Buffer.concat([length, message]));
  };
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    held = Buffer.concat([held, chunk]);
    while (held.length >= 2 && held.length >= 2 + held.readUInt16BE(0)) {
      const message = held.subarray(2, 2 + held.readUInt16BE(0));
      held = held.subarray(2 + message.length);
      receive(message, { via: 'tcp', send, raw, hangUp: () => socket.destroy() });
    }
  });
}

/** One port for both: where UDP has it taken, another is tried. */
async function listenTwice(receive: Receive): Promise<{ tcp: Server; udp: Socket; port: number }> {
  const tcp = createServer((socket) => serveStream(socket, receive));
  const { port } = await listen(tcp);
  try {
    return { tcp, udp: await serveUdp(port, receive), port };
  } catch {
    await closeServer(tcp);
    return listenTwice(receive);
  }
}

async function serveUdp(port: number, receive: Receive): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.on('message', (bytes, from) => {
    const raw = (reply: Buffer) => socket.send(reply, from.port, from.address);
    receive(bytes, { via: 'udp', send: raw, raw, hangUp: () => undefined });
  });
  socket.bind(port, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}

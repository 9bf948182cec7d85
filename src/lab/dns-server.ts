import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import packet from 'dns-packet';
import type { RecordData, RecordType } from '../dns/types.ts';

/** Records of one name, by type, as the resolver will report them. */
export type LabRecords = { readonly [T in RecordType]?: readonly RecordData[T][] };

/**
 * How a name misbehaves.
 *
 * - `bogus`: SERVFAIL with EDE 6, and an answer for who sets CD: what a validating resolver does
 * - `truncated`: TC over UDP, the answer over TCP
 * - `silent`: no answer at all; `malformed`: bytes that are no message; `wrong-id`: a forged answer first
 */
export type LabHabit = 'bogus' | 'SERVFAIL' | 'REFUSED' | 'silent' | 'truncated' | 'malformed' | 'wrong-id';

export type LabName = LabRecords & {
  readonly habit?: LabHabit;
  /** Types that the habit is about; without, all. */
  readonly habitTypes?: readonly RecordType[];
  /** AD is set for who asks for it: the name and those below count as validated. */
  readonly secure?: boolean;
  readonly delayMs?: number;
};

/** An invented zone: every name that exists, in lower case without the final dot. */
export type LabZone = Readonly<Record<string, LabName>>;

export type LabQuery = { readonly name: string; readonly type: string; readonly transport: 'udp' | 'tcp' };

/** A running name server of the laboratory. */
export type DnsLab = {
  readonly host: string;
  readonly port: number;
  /** What was asked, the last 10,000. */
  readonly queries: readonly LabQuery[];
  setZone(zone: LabZone): void;
  close(): Promise<void>;
};

const MAX_QUERIES = 10_000;
const MAX_CNAMES = 8;
const TTL = 60;

type Asked = { readonly packet: packet.DecodedPacket; readonly name: string; readonly type: string };
type Answered = { readonly answers: packet.Answer[]; readonly rcode: string; readonly secure: boolean };

function fqdn(name: string): string {
  return name === '.' ? '.' : name;
}

/** Our shapes of records in the shapes of dns-packet. */
function toWire(owner: string, type: RecordType, data: unknown): packet.Answer {
  const base = { name: owner, ttl: TTL };
  switch (type) {
    case 'TLSA': {
      const { certUsage, selector, match, data: hex } = data as RecordData['TLSA'];
      const certificate = Buffer.from(hex, 'hex');
      return {
        ...base,
        type,
        data: { usage: certUsage, selector, matchingType: match, certificate },
      } as packet.Answer;
    }
    case 'TXT':
      return { ...base, type, data: (data as readonly string[]).map((text) => Buffer.from(text, 'latin1')) };
    case 'MX': {
      const { preference, exchange } = data as RecordData['MX'];
      return { ...base, type, data: { preference, exchange: fqdn(exchange) } };
    }
    case 'CAA': {
      const { flags, tag, value } = data as RecordData['CAA'];
      return { ...base, type, data: { flags, tag: tag as 'issue', value } };
    }
    default:
      return { ...base, type, data } as packet.Answer;
  }
}

/** Names of a zone that exist only because others are below them, made once: zones may be large. */
const parents = new WeakMap<LabZone, ReadonlySet<string>>();

function existsBelow(zone: LabZone, name: string): boolean {
  let known = parents.get(zone);
  if (!known) {
    const above = (each: string) =>
      each.split('.').map((_, index, labels) => labels.slice(index + 1).join('.'));
    known = new Set(Object.keys(zone).flatMap(above));
    parents.set(zone, known);
  }
  return known.has(name);
}

/** The name's own entry, or a wildcard of the nearest parent that has one (RFC 4592). */
function findName(zone: LabZone, name: string): LabName | undefined {
  if (Object.hasOwn(zone, name)) return zone[name];
  const parents = name.split('.').map((_, index, labels) => labels.slice(index + 1).join('.'));
  const wildcard = parents.map((parent) => `*.${parent}`).find((candidate) => Object.hasOwn(zone, candidate));
  return wildcard === undefined ? undefined : zone[wildcard];
}

function isSecure(zone: LabZone, name: string): boolean {
  const names = name.split('.').map((_, index, labels) => labels.slice(index).join('.'));
  const decisive = names.find((each) => Object.hasOwn(zone, each) && zone[each]?.secure !== undefined);
  return decisive !== undefined && zone[decisive]?.secure === true;
}

function lookUp(zone: LabZone, name: string, type: string): Answered {
  const answers: packet.Answer[] = [];
  let at = name;
  let secure = true;
  for (let links = 0; links <= MAX_CNAMES; links++) {
    const entry = findName(zone, at);
    secure &&= isSecure(zone, at);
    if (!entry) return { answers, rcode: existsBelow(zone, at) ? 'NOERROR' : 'NXDOMAIN', secure };
    const records: readonly unknown[] = entry[type as RecordType] ?? [];
    answers.push(...records.map((data) => toWire(at, type as RecordType, data)));
    const target = entry.CNAME?.[0];
    if (records.length > 0 || target === undefined || type === 'CNAME')
      return { answers, rcode: 'NOERROR', secure };
    answers.push(toWire(at, 'CNAME', target));
    at = target;
  }
  return { answers, rcode: 'SERVFAIL', secure: false };
}

const RCODES: Readonly<Record<string, number>> = { NOERROR: 0, SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 };

function edeOption(code: number, text: string): packet.PacketOpt {
  const data = Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(text)]);
  return { code: 15, type: 'EDE', data } as unknown as packet.PacketOpt;
}

type ReplyShape = Answered & { readonly truncated?: boolean; readonly ede?: readonly [number, string] };

/** The reply as bytes; a denial carries a SOA, so that it can be kept (RFC 2308). */
function encode({ packet: query, name }: Asked, shape: ReplyShape): Buffer {
  const wantsAd =
    (query.flags ?? 0) & packet.AUTHENTIC_DATA || query.additionals?.some(({ type }) => type === 'OPT');
  const flags =
    packet.RECURSION_DESIRED |
    packet.RECURSION_AVAILABLE |
    (shape.secure && wantsAd && shape.rcode !== 'SERVFAIL' ? packet.AUTHENTIC_DATA : 0) |
    (shape.truncated ? packet.TRUNCATED_RESPONSE : 0) |
    (RCODES[shape.rcode] ?? 2);
  const zone = name.split('.').slice(-2).join('.');
  const soa = {
    mname: `ns.${zone}`,
    rname: `hostmaster.${zone}`,
    serial: 1,
    refresh: 60,
    retry: 60,
    expire: 60,
    minimum: 60,
  };
  return packet.encode({
    type: 'response',
    id: query.id ?? 0,
    flags,
    questions: query.questions ?? [],
    answers: shape.truncated ? [] : shape.answers,
    authorities: shape.answers.length === 0 ? [{ name: zone, type: 'SOA', ttl: TTL, data: soa }] : [],
    additionals: query.additionals?.some(({ type }) => type === 'OPT')
      ? [
          {
            type: 'OPT',
            name: '.',
            udpPayloadSize: 1232,
            flags: 0,
            extendedRcode: 0,
            ednsVersion: 0,
            flag_do: false,
            options: shape.ede ? [edeOption(...shape.ede)] : [],
          } as packet.Answer,
        ]
      : [],
  });
}

/** The packets that a query gets, in order; none for silence. */
function respond(zone: LabZone, asked: Asked, transport: 'udp' | 'tcp'): Buffer[] {
  const entry = findName(zone, asked.name);
  const concerned = !entry?.habitTypes || entry.habitTypes.includes(asked.type as RecordType);
  const found = lookUp(zone, asked.name, asked.type);
  const failed = { answers: [], secure: false };
  switch (concerned ? entry?.habit : undefined) {
    case undefined:
      return [encode(asked, found)];
    case 'SERVFAIL':
    case 'REFUSED':
      return [encode(asked, { ...failed, rcode: entry?.habit ?? '' })];
    case 'bogus': {
      const checkingDisabled = ((asked.packet.flags ?? 0) & packet.CHECKING_DISABLED) !== 0;
      if (checkingDisabled) return [encode(asked, { ...found, secure: false })];
      return [encode(asked, { ...failed, rcode: 'SERVFAIL', ede: [6, 'signature does not match'] })];
    }
    case 'silent':
      return [];
    case 'truncated':
      return [encode(asked, { ...found, truncated: transport === 'udp' })];
    case 'malformed':
      return [Buffer.from('this is no DNS message')];
    case 'wrong-id': {
      const forged = { ...asked, packet: { ...asked.packet, id: ((asked.packet.id ?? 0) + 1) & 0xffff } };
      return [encode(forged, { ...failed, rcode: 'NXDOMAIN' }), encode(asked, found)];
    }
  }
}

function readQuery(bytes: Buffer): Asked | undefined {
  try {
    const decoded = packet.decode(bytes);
    const [question] = decoded.questions ?? [];
    if (decoded.type !== 'query' || !question) return undefined;
    return {
      packet: decoded,
      name: question.name.toLowerCase().replace(/(.)\.$/, '$1'),
      type: question.type,
    };
  } catch {
    return undefined;
  }
}

/** Splits a TCP stream into messages (RFC 1035 §4.2.2). */
function onMessages(socket: Socket, take: (message: Buffer) => void): void {
  let pending = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
      const end = 2 + pending.readUInt16BE(0);
      take(pending.subarray(2, end));
      pending = pending.subarray(end);
    }
  });
}

/** TCP and UDP on one port; with port 0 it may take some tries until both are free. */
async function bindBoth(tcp: Server, host: string, port: number): Promise<UdpSocket> {
  for (let attempt = 0; ; attempt++) {
    await new Promise<void>((resolve, reject) => tcp.once('error', reject).listen(port, host, resolve));
    tcp.removeAllListeners('error');
    const udp = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    try {
      await new Promise<void>((resolve, reject) =>
        udp.once('error', reject).bind((tcp.address() as AddressInfo).port, host, resolve),
      );
      udp.removeAllListeners('error');
      return udp;
    } catch (error) {
      udp.close();
      await new Promise((resolve) => tcp.close(resolve));
      if (attempt >= 20 || port !== 0) throw error;
    }
  }
}

/**
 * Start a name server on loopback that answers for an invented zone as a recursive resolver would, UDP and
 * TCP on one port.
 */
export async function startDnsServer(options: {
  zone: LabZone;
  host?: string;
  port?: number;
}): Promise<DnsLab> {
  const { host = '127.0.0.1', port = 0 } = options;
  let { zone } = options;
  const queries: LabQuery[] = [];
  const timers = new Set<NodeJS.Timeout>();
  const sockets = new Set<Socket>();

  const answer = (bytes: Buffer, transport: 'udp' | 'tcp', reply: (message: Buffer) => void): void => {
    const asked = readQuery(bytes);
    if (!asked) return;
    queries.push({ name: asked.name, type: asked.type, transport });
    if (queries.length > MAX_QUERIES) queries.shift();
    const messages = respond(zone, asked, transport);
    const delayMs = findName(zone, asked.name)?.delayMs ?? 0;
    if (delayMs === 0) return messages.forEach(reply);
    const timer = setTimeout(() => {
      timers.delete(timer);
      messages.forEach(reply);
    }, delayMs);
    timers.add(timer);
  };

  const tcp = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy());
    onMessages(socket, (message) =>
      answer(message, 'tcp', (reply) => {
        const length = Buffer.alloc(2);
        length.writeUInt16BE(reply.length);
        if (socket.writable) socket.write(Buffer.concat([length, reply]));
      }),
    );
  });
  const udp = await bindBoth(tcp, host, port);
  udp.on('error', () => undefined);
  udp.on('message', (bytes: Buffer, from: RemoteInfo) =>
    answer(bytes, 'udp', (reply) => udp.send(reply, from.port, from.address, () => undefined)),
  );
  return {
    host,
    port: udp.address().port,
    queries,
    setZone: (next) => {
      zone = next;
    },
    close: async () => {
      for (const timer of timers) clearTimeout(timer);
      for (const socket of sockets) socket.destroy();
      await Promise.all([
        new Promise<void>((resolve) => udp.close(() => resolve())),
        new Promise((resolve) => tcp.close(resolve)),
      ]);
    },
  };
}

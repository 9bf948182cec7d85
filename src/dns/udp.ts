import { createSocket, type Socket } from 'node:dgram';
import { isIP } from 'node:net';
import { NO_REPLY, networkFailure, type Outcome } from './transport.ts';
import type { RecordType } from './types.ts';
import { buildQuery, decodeReply, type Query, type Question } from './wire.ts';

export type UdpOutcome<T extends RecordType> =
  | Outcome<T>
  /** Ask again over TCP, where nobody can slip in a reply. */
  | { readonly kind: 'stream'; readonly why: string };

/** So many replies with a wrong id are no accident: somebody is guessing (RFC 5452 §9.2). */
const MAX_WRONG_IDS = 8;

type UdpQuestion<T extends RecordType> = {
  /** An IP address, perhaps with a scope. */
  readonly address: string;
  readonly port: number;
  readonly question: Question<T>;
  readonly random: (lengthBytes: number) => Uint8Array;
  readonly signal: AbortSignal;
};

/**
 * Ask once over UDP from a port of its own. The socket is connected: the kernel drops what comes from
 * anywhere else, and an ICMP refusal is an error at once instead of a time-out. Wrong ids are passed over
 * until the signal ends the wait; a reply that carries the id and is still not right goes to TCP.
 */
export async function askUdp<T extends RecordType>(ask: UdpQuestion<T>): Promise<UdpOutcome<T>> {
  const query = buildQuery(ask.question, {
    id: Buffer.from(ask.random(2)).readUInt16BE(),
    caseBits: ask.random(32),
    pad: false,
  });
  const { promise, resolve } = Promise.withResolvers<UdpOutcome<T>>();
  const stop = () => resolve(NO_REPLY);
  ask.signal.addEventListener('abort', stop, { once: true });
  if (ask.signal.aborted) stop();
  const socket = openSocket(ask, query, resolve);
  const outcome = await promise;
  ask.signal.removeEventListener('abort', stop);
  socket.close();
  return outcome;
}

function openSocket<T extends RecordType>(
  { address, port, signal }: UdpQuestion<T>,
  query: Query<T>,
  settle: (outcome: UdpOutcome<T>) => void,
): Socket {
  const family = isIP(address) === 6 ? 6 : 4;
  const socket = createSocket({
    type: family === 6 ? 'udp6' : 'udp4',
    // It is an address already: nothing is to be looked up, neither for it nor for our own end.
    lookup: (host, _, done) => done(null, host, family),
  });
  const judge = createJudge(query);
  const fail = (error: Error) => settle(networkFailure(error));
  socket.on('error', fail);
  socket.on('message', (bytes) => {
    const outcome = judge(bytes);
    if (outcome !== null) settle(outcome);
  });
  socket.connect(port, address, () => {
    if (!signal.aborted) socket.send(query.bytes, (error) => (error === null ? undefined : fail(error)));
  });
  return socket;
}

/** @returns what a datagram means for the query; null to go on waiting */
function createJudge<T extends RecordType>(query: Query<T>): (bytes: Buffer) => UdpOutcome<T> | null {
  let wrongIds = 0;
  return (bytes) => {
    const decoded = decodeReply(bytes, query);
    if (decoded.kind === 'malformed') return { kind: 'stream', why: `UDP gave ${decoded.reason}` };
    if (decoded.kind === 'reply')
      return decoded.reply.truncated
        ? { kind: 'stream', why: 'the reply was truncated' }
        : { ...decoded, believed: false };
    if (decoded.what !== 'id') return { kind: 'stream', why: `UDP gave another ${decoded.what}` };
    wrongIds += 1;
    return wrongIds < MAX_WRONG_IDS ? null : { kind: 'stream', why: 'replies with wrong ids poured in' };
  };
}

import { lookup } from 'node:dns';
import { connect, isIP } from 'node:net';
import { addressClass } from '../net/address.ts';
import { type DnsServer, serverLabel } from './server.ts';
import { createStream } from './stream.ts';
import {
  NO_REPLY,
  networkFailure,
  type Outcome,
  type Transport,
  type TransportOptions,
  untilAborted,
} from './transport.ts';
import type { RecordType } from './types.ts';
import { askUdp } from './udp.ts';
import type { Question } from './wire.ts';

/**
 * UDP first; TCP when the reply was cut or was not quite ours (RFC 7766 §5). AD is believed from loopback
 * only: elsewhere anybody on the way can set the bit.
 */
export function createPlain(server: DnsServer & { kind: 'plain' }, options: TransportOptions): Transport {
  const label = serverLabel(server);
  const address = once(() => addressOf(server.host));
  const open = async () => ({
    socket: connect({ host: await address(), port: server.port }),
    ready: 'connect' as const,
  });
  const stream = createStream({ open, label, pad: false, random: options.random });

  async function askAt<T extends RecordType>(at: string, question: Question<T>, signal: AbortSignal) {
    const udp = await askUdp({ address: at, port: server.port, question, random: options.random, signal });
    if (udp.kind !== 'stream') return udp;
    const outcome = await stream.ask(question, signal);
    if (outcome.kind === 'reply') return outcome;
    return { ...outcome, message: `${outcome.message} (over TCP, as ${udp.why})` };
  }

  return {
    label,
    async ask<T extends RecordType>(question: Question<T>, signal: AbortSignal): Promise<Outcome<T>> {
      try {
        const at = await untilAborted(address(), signal);
        if (at === null) return NO_REPLY;
        const outcome = await askAt(at, question, signal);
        const believed = addressClass(at) === 'loopback';
        return outcome.kind === 'reply' ? { ...outcome, believed } : outcome;
      } catch (error) {
        return networkFailure(error); // the name of the server leads nowhere
      }
    },
    close: () => stream.close(),
  };
}

/** Keep what worked; a failure is tried again the next time. */
function once(work: () => Promise<string>): () => Promise<string> {
  let kept: Promise<string> | null = null;
  return () => {
    kept ??= work().catch((error: unknown) => {
      kept = null;
      throw error;
    });
    return kept;
  };
}

/** @throws what `dns.lookup` says when there is no such host */
async function addressOf(host: string): Promise<string> {
  if (isIP(host) !== 0) return host;
  return new Promise((resolve, reject) => {
    lookup(host, (error, address) => (error === null ? resolve(address) : reject(error)));
  });
}

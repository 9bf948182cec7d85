import { createStub } from '../dns/stub.ts';
import { parseResolver } from '../dns/system.ts';
import { readHeader } from '../message/headers.ts';
import { findMtaSts } from '../mta-sts/find.ts';
import { converse, type Place } from '../mx/conversation.ts';
import { probeTarget } from '../mx/probe.ts';
import { parseTarget } from '../mx/target.ts';
import { dialTcp } from '../net/dial.ts';
import { describePath } from '../received/path.ts';
import { type Check, worst } from '../report.ts';
import type { TransportStory } from '../schema/demo.ts';
import { deliver } from '../send/deliver.ts';
import { parseMailbox } from '../send/mailbox.ts';
import { prepareMessage, testMessage } from '../send/message.ts';
import { clientContext } from '../smtp/tls.ts';
import { DOMAINS, type TransportLab, UNREACHABLE } from './transport-lab.ts';

const FROM = 'anna@sender.test';
const FALLBACK_DOMAIN = 'closes.test';

/** The same world as `mx probe` and `send` get from their flags, pointed at the laboratory. */
function worldOf({ resolver, port, caPem }: TransportLab, signal: AbortSignal) {
  return {
    dns: createStub({ servers: [parseResolver(resolver)], timeoutMs: 2000, signal }),
    dial: dialTcp,
    context: clientContext(caPem),
    timeouts: { connectMs: 2000, bannerMs: 2000, commandMs: 2000, tlsMs: 2000, totalMs: 8000 },
    ehlo: 'client.sender.test',
    now: () => Date.now(),
    port,
    allowPrivate: true,
    offline: true,
    random: Math.random,
    signal,
  };
}

/** The Received field that the laboratory server wrote on top, unfolded. */
function topReceived(bytes: Uint8Array): string {
  const field = readHeader(bytes).fields.find(({ name }) => name === 'Received');
  return field?.value.replace(/\s+/g, ' ') ?? '';
}

/**
 * The message as it would read had the client been another machine: a hop over loopback rightly counts as inside
 * of one system, and says nothing.
 */
function asIfRemote(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString('latin1').replace('[127.0.0.1]', '[192.0.2.1]'), 'latin1');
}

/**
 * Tell the story: probe every domain with the code of `mx probe`, send one message to the server that closes
 * after STARTTLS with the code of `send`, and read what arrived with the code of `message path`.
 */
export async function tellTransport(lab: TransportLab, signal: AbortSignal): Promise<TransportStory> {
  const world = worldOf(lab, signal);
  try {
    const domains = [...DOMAINS.map(({ domain }) => domain), UNREACHABLE];
    const asOfMs = world.now();
    const probe = {
      ...world,
      asOfMs,
      talk: (place: Place) => converse(place, { ...world, asOfMs }),
      services: [{ port: world.port, implicitTls: false }],
      tlsaPort: world.port,
      mtaSts: (domain: string) =>
        findMtaSts(domain, {
          ...world,
          asOfMs,
          httpsPort: lab.httpsPort,
          ca: lab.caPem,
          cache: null,
          timeoutMs: 3000,
        }),
    };
    const probes = await Promise.all(domains.map((domain) => probeTarget(parseTarget(domain), probe)));
    const to = parseMailbox(`support@${FALLBACK_DOMAIN}`, 'to');
    const message = prepareMessage(testMessage(FROM, [to.address]), {
      id: `<demo.${world.now()}@sender.test>`,
      nowMs: world.now(),
    });
    const options = { ...probe, policy: 'opportunistic' as const };
    const sent = await deliver(parseMailbox(FROM, 'from'), [to], message, options);
    const arrived = lab.servers.get(FALLBACK_DOMAIN)?.messages ?? [];
    const bytes = arrived[0]?.bytes ?? Buffer.alloc(0);
    const path = describePath(
      { ...readHeader(asIfRemote(bytes)), target: 'message.eml' },
      { nowMs: world.now() },
    );
    return {
      story: 'transport',
      probes,
      send: sent,
      arrived: arrived.length,
      received: topReceived(bytes),
      path,
    };
  } finally {
    world.dns.close();
  }
}

/** What the story should have shown; a demonstration that goes another way is a finding. */
export function checkTransport({ probes, send, arrived, path }: TransportStory): Check[] {
  const expected: Readonly<Record<string, string>> = {
    'good.test': 'ok',
    'selfsigned.test': 'ok',
    'expired.test': 'ok',
    'bare.test': 'crit',
    'closes.test': 'crit',
    'injects.test': 'crit',
    'dane.test': 'ok',
    'olddane.test': 'crit',
    'strict.test': 'crit',
    [UNREACHABLE]: 'unknown',
  };
  const wrong = probes
    .filter(({ domain, status }) => expected[domain] !== status)
    .map(({ domain }) => domain);
  const [delivery] = send.deliveries;
  const fellBack = delivery?.status === 'delivered' && delivery.fallback !== null;
  const plain = path.hops.at(-1)?.encrypted === 'no';
  const check = (id: string, good: boolean, message: string): Check => ({
    id,
    status: good ? 'ok' : 'crit',
    message,
  });
  return [
    check(
      'demo.transport.probe',
      wrong.length === 0,
      wrong.length === 0 ? 'Every server was seen as it is.' : `Not seen as it is: ${wrong.join(', ')}.`,
    ),
    check('demo.transport.fallback', fellBack, 'The message fell back to plaintext, and that was said.'),
    check(
      'demo.transport.once',
      arrived === 1,
      `The message arrived ${arrived === 1 ? 'once' : `${arrived} times`}.`,
    ),
    check('demo.transport.path', plain, 'Its Received header says that it came in plaintext.'),
  ];
}

/** The state of the story as a whole. */
export function statusOf(checks: readonly Check[]) {
  return worst(checks.map(({ status }) => status));
}

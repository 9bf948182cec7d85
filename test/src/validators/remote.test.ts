import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { splitOtp } from '../../../src/otp/token.ts';
import { parseUrls } from '../../../src/validators/address.ts';
import { openAsk } from '../../../src/validators/http.ts';
import { remoteValidator } from '../../../src/validators/remote.ts';
import { type Misdeed, type Peer, startPeer } from '../../helpers/validation-peer.ts';

const OTP = 'vvccccbdthjibitjgnkkhruuhufdigeldfblfcigetje';

let peers: Peer[];
let peer: Peer;
let other: Peer;

beforeEach(async () => {
  peer = await startPeer(() => [7, 3]);
  other = await startPeer(() => [7, 3]);
  peers = [peer, other];
});

afterEach(async () => {
  for (const each of peers) await each.close();
});

type Asked = { readonly urls?: readonly string[]; readonly signed?: boolean; readonly timeoutMs?: number };

async function spend({ urls = [peer.url], signed = true, timeoutMs = 5000 }: Asked = {}, syncLevel = '100') {
  const split = splitOtp(OTP);
  if (!split) throw new Error('no OTP');
  const validator = remoteValidator({
    name: 'peer',
    urls,
    clientId: '1',
    apiKey: signed ? Buffer.from(peer.apiKey, 'base64') : null,
    syncLevel,
    timeoutMs,
    ask: await openAsk(),
  });
  return validator.spend(split, new AbortController().signal);
}

test.for([true, false])('an OTP is accepted once (signed: %s)', async (signed) => {
  expect(await spend({ signed })).toMatchObject({
    kind: 'accepted',
    counters: { useCounter: 7, sessionUse: 3 },
  });
  expect(await spend({ signed })).toMatchObject({ kind: 'refused', why: 'replayed' });
});

const MISDEEDS: readonly (readonly [string, Misdeed, kind: string, why?: string])[] = [
  ['that it is bad', { status: 'BAD_OTP' }, 'refused', 'bad'],
  ['that it was held back', { status: 'DELAYED_OTP' }, 'refused', 'delayed'],
  ['that it saw the request before', { status: 'REPLAYED_REQUEST' }, 'unavailable'],
  ['that its peers are away', { status: 'NOT_ENOUGH_ANSWERS' }, 'unavailable'],
  ['that its database is away', { status: 'BACKEND_ERROR' }, 'unavailable'],
  ['that it does not know us', { status: 'NO_SUCH_CLIENT' }, 'unavailable'],
  ['something new', { status: 'MAYBE' }, 'unavailable'],
  ['OK in lower case', { status: 'ok' }, 'unavailable'],
  ['nothing', { body: '' }, 'unavailable'],
  ['a web page', { body: '<html>status=OK</html>' }, 'unavailable'],
  ['OK twice', { body: 'status=OK\r\nstatus=OK\r\n' }, 'unavailable'],
  ['OK without a signature', { change: (lines) => lines.delete('h') }, 'unavailable'],
  ['OK under another signature', { change: (lines) => lines.set('h', 'AAAA') }, 'unavailable'],
  ['OK changed after it was signed', { change: (lines) => lines.set('sl', '1000') }, 'unavailable'],
  ['more than an answer', { body: `status=OK\r\n${'x'.repeat(5000)}` }, 'unavailable'],
  ['an error of a gateway', { http: 502 }, 'unavailable'],
  ['a redirect', { http: 302 }, 'unavailable'],
];

test.for(MISDEEDS)('a service that says %s is judged by it', async ([, misdeed, kind, why]) => {
  peer.misdeed = misdeed;
  expect(await spend()).toMatchObject({ kind, ...(why !== undefined && { why }) });
});

test.for([
  ['another OTP', 'otp', 'c'.repeat(44)],
  ['another nonce', 'nonce', 'a'.repeat(32)],
  ['fewer peers than were demanded', 'sl', '99'],
] as const)('an unsigned OK for %s is none', async ([, name, value]) => {
  peer.misdeed = { change: (lines) => lines.set(name, value) };
  expect(await spend({ signed: false })).toMatchObject({ kind: 'unavailable' });
});

test.for(['otp', 'nonce'])('an OK that does not name the %s is none', async (name) => {
  peer.misdeed = { change: (lines) => void lines.delete(name) };
  expect(await spend({ signed: false })).toMatchObject({ kind: 'unavailable' });
});

test('the wrong API key is told as such', async () => {
  peer.misdeed = { status: 'BAD_SIGNATURE' };
  expect(await spend({ signed: false })).toMatchObject({
    kind: 'unavailable',
    why: expect.stringContaining('API key'),
  });
});

describe('several services', () => {
  test.for(['silent', 'hang up', { http: 503 }] as const)(
    'one that fails (%s) does not matter beside one that answers',
    async (misdeed) => {
      peer.misdeed = misdeed;
      expect(await spend({ urls: [peer.url, other.url] })).toMatchObject({ kind: 'accepted' });
      expect(new Set([...peer.seen, ...other.seen]).size).toBe(1);
    },
  );

  test('all of which fail are named with their reasons', async () => {
    peer.misdeed = { status: 'BACKEND_ERROR' };
    other.misdeed = { http: 500 };
    const outcome = await spend({ urls: [peer.url, other.url] });
    expect(outcome).toMatchObject({ kind: 'unavailable' });
    expect(outcome.steps.join()).toMatch(/database.*HTTP status 500|HTTP status 500.*database/s);
  });
});

test('a gateway that fails for a moment is asked again with the same nonce', async () => {
  peer.misdeed = { http: 502 };
  const asked = spend();
  await expect.poll(() => peer.seen.length).toBeGreaterThan(0);
  peer.misdeed = null;
  expect(await asked).toMatchObject({ kind: 'accepted' });
  expect(new Set(peer.seen).size).toBe(1);
});

test('a silent service is left at the deadline', async () => {
  peer.misdeed = 'silent';
  expect(await spend({ timeoutMs: 200 })).toMatchObject({
    kind: 'unavailable',
    why: expect.stringContaining('in time'),
  });
});

test('nobody listening is no wrong OTP', async () => {
  await peer.close();
  expect(await spend()).toMatchObject({
    kind: 'unavailable',
    why: expect.stringContaining('nobody listens'),
  });
});

describe('an address', () => {
  test.for([
    ['https://otp.example.org', 'https://otp.example.org/wsapi/2.0/verify'],
    ['https://otp.example.org/own/verify', 'https://otp.example.org/own/verify'],
    ['http://127.0.0.1:8080/', 'http://127.0.0.1:8080/wsapi/2.0/verify'],
    ['http://[::1]:8080', 'http://[::1]:8080/wsapi/2.0/verify'],
  ])('%s is taken', ([given = '', url]) => {
    expect(parseUrls(given)).toEqual([url]);
  });

  test.for([
    'http://otp.example.org/wsapi/2.0/verify',
    'http://192.0.2.1',
    'http://127.0.0.1.example.org',
    'ftp://otp.example.org',
    'https://user:secret@otp.example.org',
    'https://otp.example.org/?id=1',
    'otp.example.org',
    '',
  ])('%j is refused, and no password of it shown', (given) => {
    expect(() => parseUrls(given)).toThrow(expect.objectContaining({ code: 'E_VALIDATOR', exit: 64 }));
    expect(() => parseUrls(given)).not.toThrow(/secret/);
  });
});

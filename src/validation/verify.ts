import { timingSafeEqual } from 'node:crypto';
import { isOurs } from '../keys/spend.ts';
import type { OtpSecret } from '../keys/store.ts';
import { contains, parseNetwork } from '../net/network.ts';
import { decryptOtp, splitOtp } from '../otp/token.ts';
import { signatureOf } from '../validators/protocol.ts';
import { type AnswerParts, formatAnswer, type VerifyStatus } from './answer.ts';
import { type DelayPolicy, judgeDelay } from './delay.ts';
import type { WrongOtps } from './limits.ts';
import { type Pairs, readRequest, type VerifyRequest } from './request.ts';
import type { Client, ValidationStore } from './types.ts';

/** What happened, for the journal: public id and status, never what was typed. */
export type VerifyEvent = {
  readonly event: 'verify' | 'error';
  readonly status: VerifyStatus;
  readonly client: number | null;
  readonly publicId: string | null;
  readonly address: string;
  readonly note?: 'caps-lock' | 'delayed' | 'clock-went-back' | 'disabled-key' | 'not-in-use-yet';
  readonly reason?: string;
};

export type VerifyWorld = {
  readonly store: ValidationStore;
  readonly delay: DelayPolicy;
  readonly wrong: WrongOtps;
  readonly nowMs: () => number;
  readonly onEvent: (event: VerifyEvent) => void;
};

/** An answer, and how long it is held back before it is sent, in milliseconds. */
export type Answered = { readonly status: VerifyStatus; readonly body: string; readonly holdMs: number };

/** A verdict before it is written down. */
type Verdict = Pick<AnswerParts, 'status' | 'counters'> & {
  readonly echo: boolean;
  readonly publicId: string | null;
  readonly note?: VerifyEvent['note'];
  readonly reason?: string;
};

/** Secrets that no key has: an unknown id takes the way, and the time, of a known one. */
const DUMMY: OtpSecret = { privateId: Buffer.alloc(6), aesKey: Buffer.alloc(16, 1) };

/** Letters of a keyboard, and the full stop that a Dvorak layout makes of one: nothing else is ever echoed. */
const TYPED = /^[A-Za-z.]{32,64}$/;

function verdict(status: VerifyStatus, rest: Partial<Verdict> = {}): Verdict {
  return { status, echo: false, publicId: null, ...rest };
}

/** The key that a signature was made with; undefined when with none of them. */
function signingKey({ apiKeys }: Client, pairs: Pairs, signature: string): Uint8Array | undefined {
  const given = Buffer.from(signature);
  return apiKeys.find((key) => {
    const right = Buffer.from(signatureOf(pairs, key));
    return given.length === right.length && timingSafeEqual(given, right);
  });
}

function mayAsk({ publicIds, networks }: Client, publicId: string, address: string): boolean {
  const idFits = publicIds.length === 0 || publicIds.some((begin) => publicId.startsWith(begin));
  const fits = (text: string) => {
    const network = parseNetwork(text);
    return network !== null && contains(network, address);
  };
  return idFits && (networks.length === 0 || networks.some(fits));
}

/** Judge an OTP that a client may ask about, and spend it. */
async function judge(world: VerifyWorld, request: VerifyRequest, client: Client): Promise<Verdict> {
  const split = splitOtp(request.otp);
  if (!split) return verdict('BAD_OTP');
  const { publicId } = split;
  const known = await world.store.secretOf(publicId);
  const fields = decryptOtp(split.ciphertext, (known ?? DUMMY).aesKey);
  const ours = isOurs(fields, known ?? DUMMY);
  if (!known || !ours) return verdict('BAD_OTP', { publicId: known ? publicId : null });
  const nowMs = world.nowMs();
  const spent = await world.store.spend({
    publicId,
    fields,
    nonce: request.nonce,
    clientId: client.id,
    nowMs,
  });
  const echo = true;
  if (spent.kind === 'same-request') return verdict('REPLAYED_REQUEST', { echo, publicId });
  if (spent.kind === 'used') return verdict('REPLAYED_OTP', { echo, publicId });
  if (spent.state === 'disabled') return verdict('BAD_OTP', { publicId, note: 'disabled-key' });
  if (spent.state === 'written') return verdict('BAD_OTP', { publicId, note: 'not-in-use-yet' });
  const clock = judgeDelay(fields, spent.earlier, nowMs);
  if (clock === 'backwards') return verdict('REPLAYED_OTP', { echo, publicId, note: 'clock-went-back' });
  if (clock === 'delayed' && world.delay === 'reject')
    return verdict('DELAYED_OTP', { echo, publicId, note: 'delayed' });
  const { timestamp, useCounter, sessionUse } = fields;
  const late = clock === 'delayed' && world.delay === 'log' ? ('delayed' as const) : undefined;
  const note = late ?? (fields.capsLock ? ('caps-lock' as const) : undefined);
  return {
    ...verdict('OK', { echo, publicId, ...(note && { note }) }),
    ...(request.wantsCounters && { counters: { timestamp, useCounter, sessionUse } }),
  };
}

/** What stands between a well-formed request and its OTP; null when nothing does. */
function refusal(
  client: Client,
  key: Uint8Array | undefined,
  request: VerifyRequest,
  address: string,
): VerifyStatus | null {
  if (request.signature !== null ? key === undefined : client.mustSign) return 'BAD_SIGNATURE';
  const split = splitOtp(request.otp);
  return split && mayAsk(client, split.publicId, address) ? null : 'OPERATION_NOT_ALLOWED';
}

/**
 * Answer one request of the validation protocol 2.0. It never throws: what the store cannot do is BACKEND_ERROR, and
 * an OK is only ever said of what has been written.
 *
 * @param pairs  null when not even names and values could be read
 * @param address  of whoever asks
 */
export async function answerVerify(
  world: VerifyWorld,
  pairs: Pairs | null,
  address: string,
): Promise<Answered> {
  const request = pairs === null ? ({ kind: 'malformed', clientId: null } as const) : readRequest(pairs);
  let client: Client | undefined;
  let apiKey: Uint8Array | null = null;
  let found: Verdict;
  try {
    client = request.clientId === null ? undefined : await world.store.client(request.clientId);
    if (client?.state === 'disabled') client = undefined;
    apiKey = client?.apiKeys[0] ?? null;
    if (request.kind === 'malformed') found = verdict('MISSING_PARAMETER');
    else if (!(TYPED.test(request.otp) && splitOtp(request.otp))) found = verdict('BAD_OTP');
    else if (!client) found = verdict('NO_SUCH_CLIENT');
    else {
      const key = request.signature === null ? undefined : signingKey(client, pairs ?? [], request.signature);
      apiKey = key ?? apiKey;
      const refused = refusal(client, key, request, address);
      found = refused === null ? await judge(world, request, client) : verdict(refused);
    }
  } catch (error) {
    found = verdict('BACKEND_ERROR', { reason: reasonOf(error) });
    apiKey ??= rememberedKey(world, request, pairs ?? []);
  }
  const nowMs = world.nowMs();
  const holdMs = tell(world, found, { client: client?.id ?? null, address, nowMs });
  const body = formatAnswer({
    status: found.status,
    nowMs,
    apiKey,
    ...(found.echo && request.kind === 'request' && { echo: { otp: request.otp, nonce: request.nonce } }),
    ...(found.counters && { counters: found.counters }),
  });
  return { status: found.status, body, holdMs };
}

/** A key for the answer where the client could not be looked up: the one that the request is signed with. */
function rememberedKey(
  { store }: VerifyWorld,
  request: ReturnType<typeof readRequest>,
  pairs: Pairs,
): Uint8Array | null {
  const client = request.clientId === null ? undefined : store.remembered?.(request.clientId);
  if (!client) return null;
  const signature = request.kind === 'request' ? request.signature : null;
  return (signature === null ? undefined : signingKey(client, pairs, signature)) ?? client.apiKeys[0];
}

/** The kind of an error, without words of its own: they might quote what was typed. */
function reasonOf(error: unknown): string {
  const { code, errcode } = ((error as Error).cause ?? error) as { code?: string; errcode?: number };
  return [code ?? 'unknown', ...(errcode === undefined ? [] : [errcode])].join(' ');
}

/** Tell what came of it. @returns how long the answer is held back */
function tell(
  { wrong, onEvent }: VerifyWorld,
  { status, publicId, note, reason }: Verdict,
  { client, address, nowMs }: { client: number | null; address: string; nowMs: number },
): number {
  const suspect = status === 'BAD_OTP' || status === 'NO_SUCH_CLIENT' || status === 'BAD_SIGNATURE';
  const keys = [`address ${address}`, ...(publicId === null ? [] : [`key ${publicId}`])];
  const { tell: told, holdMs } = suspect ? wrong.note(keys, nowMs) : { tell: true, holdMs: 0 };
  if (told) {
    onEvent({
      event: status === 'BACKEND_ERROR' ? 'error' : 'verify',
      status,
      client,
      publicId,
      address,
      ...(note && { note }),
      ...(reason !== undefined && { reason }),
    });
  }
  return holdMs;
}

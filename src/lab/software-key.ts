import { createHmac, randomBytes } from 'node:crypto';
import { CRC_RESIDUE, crc16, withCrc } from '../otp/crc.ts';
import { hotp } from '../otp/hotp.ts';
import { encodeModhex } from '../otp/modhex.ts';
import { encryptOtp, makeOtp } from '../otp/token.ts';
import { Command, can, type SlotNumber } from '../yubikey/commands.ts';
import type { HidDevice } from '../yubikey/device.ts';
import { Flag, PAYLOAD_SIZE } from '../yubikey/frame.ts';
import { textOfScanCodes } from '../yubikey/scan-codes.ts';
import {
  CONFIG_SIZE,
  Config,
  decodeSlot,
  Extended,
  encodeSlot,
  joinLongKey,
  kindOf,
  type SlotContent,
} from '../yubikey/slot.ts';
import { atLeast, type Version } from '../yubikey/version.ts';

// A key in software, as its OTP interface shows itself: for tests, for the demonstration, and to practise with. It
// behaves as real keys do where their makers say how; where nobody says, it takes the strict way.

/** A slot as it is kept between two starts. */
export type SoftwareSlot = {
  /** 52 bytes, in hexadecimal; secrets included. */
  readonly config: string;
  readonly useCounter: number;
  /** -1 before the first OTP since power-up. */
  readonly sessionUse: number;
  readonly movingFactor: number;
};

/** A whole key as it is kept. */
export type SoftwareKeyState = {
  readonly version: Version;
  readonly productId: number;
  readonly serial: number;
  readonly sequence: number;
  readonly slots: Readonly<Record<SlotNumber, SoftwareSlot | null>>;
  /** Since when it has power, and where its clock began; null for one that was never plugged in. */
  readonly powered: { readonly sinceMs: number; readonly firstTick: number } | null;
};

export type SoftwareKey = {
  readonly device: HidDevice;
  readonly state: () => SoftwareKeyState;
  /**
   * Touch the button: what is typed, without the Enter at the end; null when nothing is.
   *
   * @param slot  a short touch is slot 1, a long one slot 2
   */
  readonly press: (slot: SlotNumber) => string | null;
  /** Take the power away and give it back. */
  readonly replug: () => void;
};

export type SoftwareKeyOptions = {
  readonly nowMs: () => number;
  /** Told after every change that a real key would remember. */
  readonly onChange?: (state: SoftwareKeyState) => void;
  /** Looks at the key after which a challenge that needs a touch gets one; never when it is not given. */
  readonly touchAfterLooks?: number;
};

const EMPTY: SoftwareKeyState['slots'] = { 1: null, 2: null };

/** A key as it comes without any slot programmed. */
export function blankKey(serial: number, version: Version = [5, 4, 3], productId = 0x0401): SoftwareKeyState {
  return { version, productId, serial, sequence: 0, slots: EMPTY, powered: null };
}

function contentOf(slot: SoftwareSlot): SlotContent {
  return decodeSlot(Buffer.from(slot.config, 'hex'));
}

function isProtected(slot: SoftwareSlot | null): boolean {
  return slot !== null && contentOf(slot).accessCode.some((byte) => byte !== 0);
}

/** Whether a code opens a slot: one without protection takes any. */
function opens(slot: SoftwareSlot | null, code: Uint8Array): boolean {
  return slot === null || !isProtected(slot) || Buffer.from(code).equals(contentOf(slot).accessCode);
}

/** A slot with a new configuration; its counters begin again. */
function freshSlot(config: Uint8Array): SoftwareSlot {
  const { uid, ticket, config: flags, extended } = decodeSlot(config);
  const isHotp = kindOf({ ticket, config: flags, extended }) === 'oath-hotp';
  const movingFactor = isHotp ? Buffer.from(uid).readUInt16BE(4) << 4 : 0;
  return { config: Buffer.from(config).toString('hex'), useCounter: 0, sessionUse: -1, movingFactor };
}

/** What the configuration of a slot becomes by an update. */
function updated(slot: SoftwareSlot, update: SlotContent, keepsCode: boolean): SoftwareSlot {
  const old = contentOf(slot);
  const isChallenge = kindOf(old) === 'hmac-sha1' || kindOf(old) === 'yubico-challenge';
  const config = encodeSlot({
    ...old,
    ticket: (old.ticket & ~0x3f) | (update.ticket & 0x3f),
    config: isChallenge ? old.config : (old.config & ~0x0c) | (update.config & 0x0c),
    extended: update.extended,
    accessCode: keepsCode ? old.accessCode : update.accessCode,
  });
  return { ...slot, config: config.toString('hex') };
}

function entry(tag: number, ...value: readonly number[]): number[] {
  return [tag, value.length, ...value];
}

function serialBytes(serial: number): number[] {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(serial);
  return [...bytes];
}

/** Device information as from 4.1 on: applications, serial number, form, version, lock. */
function deviceInfo({ version, serial }: SoftwareKeyState): Buffer {
  const five = atLeast(version, [5, 0, 0]);
  const entries = [
    ...(five ? entry(0x01, 0x02, 0x3b) : entry(0x01, 0x3f)),
    ...entry(0x02, ...serialBytes(serial)),
    ...(five ? [...entry(0x03, 0x02, 0x3b), ...entry(0x04, 1), ...entry(0x05, ...version)] : []),
    ...entry(0x0a, 0),
  ];
  return Buffer.from([entries.length, ...entries]);
}

/** A key that lives in memory and is spoken to like one on the USB bus. */
export function createSoftwareKey(initial: SoftwareKeyState, options: SoftwareKeyOptions): SoftwareKey {
  const plugIn = () => ({ sinceMs: options.nowMs(), firstTick: randomBytes(3).readUIntBE(0, 3) });
  let powered = initial.powered ?? plugIn();
  let state: SoftwareKeyState = { ...initial, powered };
  let buffer = Buffer.alloc(70);
  let answer: Buffer[] | null = null;
  let part = 0;
  let waiting: { readonly fire: () => Buffer; looks: number } | null = null;

  const keep = (next: SoftwareKeyState) => {
    state = next;
    options.onChange?.(state);
  };
  const withSlots = (slots: SoftwareKeyState['slots']) => {
    const none = slots[1] === null && slots[2] === null;
    keep({ ...state, slots, sequence: none ? 0 : (state.sequence % 255) + 1 });
  };
  const withSlot = (slot: SlotNumber, content: SoftwareSlot | null) =>
    withSlots({ ...state.slots, [slot]: content });

  const respond = (data: Uint8Array) => {
    const sealed = withCrc(data);
    const parts = Math.ceil(sealed.length / 7);
    const filled = Buffer.alloc(parts * 7);
    filled.set(sealed);
    answer = Array.from({ length: parts }, (_, index) => filled.subarray(index * 7, index * 7 + 7));
    part = 0;
  };

  const timestamp = () =>
    (powered.firstTick + Math.floor(((options.nowMs() - powered.sinceMs) * 8) / 1000)) & 0xff_ffff;

  /** Advance the counters, as each OTP does. */
  const advance = (slot: SlotNumber, held: SoftwareSlot): SoftwareSlot => {
    const first = held.sessionUse < 0 || held.sessionUse === 255;
    const next = {
      ...held,
      useCounter: first ? Math.min(held.useCounter + 1, 0x7fff) : held.useCounter,
      sessionUse: first ? 0 : held.sessionUse + 1,
    };
    keep({ ...state, slots: { ...state.slots, [slot]: next } });
    return next;
  };
  const ticket = (privateId: Uint8Array, { useCounter, sessionUse }: SoftwareSlot) => ({
    privateId: Buffer.from(privateId).toString('hex'),
    useCounter,
    sessionUse,
    timestamp: timestamp(),
    random: randomBytes(2).readUInt16BE(),
  });

  const configure = (slot: SlotNumber, payload: Buffer) => {
    const config = payload.subarray(0, CONFIG_SIZE);
    const held = state.slots[slot];
    if (!opens(held, payload.subarray(CONFIG_SIZE, CONFIG_SIZE + 6))) return;
    if (config.every((byte) => byte === 0)) {
      if (held) withSlot(slot, null);
    } else if (crc16(config) === CRC_RESIDUE) withSlot(slot, freshSlot(config));
  };
  const update = (slot: SlotNumber, payload: Buffer) => {
    const config = payload.subarray(0, CONFIG_SIZE);
    const held = state.slots[slot];
    if (!held || crc16(config) !== CRC_RESIDUE) return;
    if (!(contentOf(held).extended & (Extended.allowUpdate | Extended.dormant))) return;
    if (!opens(held, payload.subarray(CONFIG_SIZE, CONFIG_SIZE + 6))) return;
    // 4.3.2 to 4.3.5 leave the access code as it is.
    const keepsCode = atLeast(state.version, [4, 3, 2]) && !atLeast(state.version, [4, 3, 6]);
    withSlot(slot, updated(held, decodeSlot(config), keepsCode));
  };
  const swap = () => {
    const { 1: one, 2: two } = state.slots;
    if ((one || two) && !isProtected(one) && !isProtected(two)) withSlots({ 1: two, 2: one });
  };
  const showSerial = () => {
    const held = [state.slots[1], state.slots[2]].filter((slot) => slot !== null);
    const shown = held.length === 0 || held.some((slot) => contentOf(slot).extended & Extended.serialByApi);
    if (shown) respond(Buffer.from(serialBytes(state.serial)));
  };
  const challenge = (slot: SlotNumber, wanted: 'hmac-sha1' | 'yubico-challenge', payload: Buffer) => {
    const held = state.slots[slot];
    if (!held || kindOf(contentOf(held)) !== wanted) return;
    const content = contentOf(held);
    const fire = () => {
      if (wanted === 'hmac-sha1') {
        const short = (content.config & Config.shortChallenge) !== 0;
        let end = 64;
        while (short && end > 0 && payload[end - 1] === payload[63]) end -= 1;
        return createHmac('sha1', joinLongKey(content)).update(payload.subarray(0, end)).digest();
      }
      return encryptOtp(ticket(payload.subarray(0, 6), advance(slot, held)), content.key);
    };
    if (content.config & Config.needsTouch) waiting = { fire, looks: 0 };
    else respond(fire());
  };

  const execute = (command: number, payload: Buffer) => {
    const { version } = state;
    if (command === Command.config1) configure(1, payload);
    else if (command === Command.config2) configure(2, payload);
    else if (command === Command.update1 && can(version, 'updating a slot')) update(1, payload);
    else if (command === Command.update2 && can(version, 'updating a slot')) update(2, payload);
    else if (command === Command.swap && can(version, 'swapping the slots')) swap();
    else if (command === Command.serial && can(version, 'reading the serial number')) showSerial();
    else if (command === Command.deviceInfo && can(version, 'device information')) respond(deviceInfo(state));
    else if (!can(version, 'challenge and response')) return;
    else if (command === Command.hmacChallenge1) challenge(1, 'hmac-sha1', payload);
    else if (command === Command.hmacChallenge2) challenge(2, 'hmac-sha1', payload);
    else if (command === Command.yubicoChallenge1) challenge(1, 'yubico-challenge', payload);
    else if (command === Command.yubicoChallenge2) challenge(2, 'yubico-challenge', payload);
  };

  const statusReport = () => {
    const level = ([1, 2] as const).reduce((bits, number) => {
      const slot = state.slots[number];
      if (!slot || !atLeast(state.version, [2, 1, 0])) return bits;
      const content = contentOf(slot);
      const challengeKind = kindOf(content) === 'hmac-sha1' || kindOf(content) === 'yubico-challenge';
      const touch = !challengeKind || (content.config & Config.needsTouch) !== 0;
      return (
        bits | (1 << (number - 1)) | (touch && atLeast(state.version, [3, 0, 0]) ? 4 << (number - 1) : 0)
      );
    }, 0);
    return Uint8Array.of(0, ...state.version, state.sequence, level, 0, 0);
  };

  const receive = (): Uint8Array => {
    if (waiting) {
      waiting.looks += 1;
      if (waiting.looks <= (options.touchAfterLooks ?? Number.POSITIVE_INFINITY))
        return Uint8Array.of(0, 0, 0, 0, 0, 0, 0, Flag.touch | 15);
      respond(waiting.fire());
      waiting = null;
    }
    if (!answer) return statusReport();
    const chunk = answer[part];
    if (!chunk) return Uint8Array.of(0, 0, 0, 0, 0, 0, 0, Flag.response);
    const report = Buffer.concat([chunk, Uint8Array.of(Flag.response | part)]);
    part += 1;
    return report;
  };

  const send = (report: Uint8Array) => {
    const flags = report[7] ?? 0;
    const number = flags & 0x1f;
    if ((flags & Flag.write) === 0) return;
    if (number === 0 || number > 9) {
      buffer = Buffer.alloc(70);
      answer = null;
      waiting = null;
    }
    if (number > 9) return;
    buffer.set(report.subarray(0, 7), number * 7);
    if (number < 9) return;
    const payload = buffer.subarray(0, PAYLOAD_SIZE);
    if (buffer.readUInt16LE(PAYLOAD_SIZE + 1) === crc16(payload))
      execute(buffer.readUInt8(PAYLOAD_SIZE), Buffer.from(payload));
    buffer = Buffer.alloc(70);
  };

  const typed = (slot: SlotNumber, held: SoftwareSlot, content: SlotContent): string | null => {
    switch (kindOf(content)) {
      case 'yubico-otp':
        return makeOtp(content.fixed, ticket(content.uid, advance(slot, held)), content.key);
      case 'oath-hotp': {
        const next = { ...held, movingFactor: held.movingFactor + 1 };
        keep({ ...state, slots: { ...state.slots, [slot]: next } });
        const digits = content.config & Config.short ? 8 : 6;
        return encodeModhex(content.fixed) + hotp(joinLongKey(content), held.movingFactor, digits);
      }
      case 'static':
        return textOfScanCodes(Buffer.concat([content.fixed, content.uid, content.key]));
      case 'static-ticket':
      case 'hmac-sha1':
      case 'yubico-challenge':
        return null;
    }
  };

  return {
    device: {
      receive: async () => receive(),
      send: async (report) => send(report),
      close: async () => undefined,
    },
    state: () => state,
    press: (slot) => {
      const held = state.slots[slot];
      const content = held && contentOf(held);
      if (!content || content.extended & Extended.dormant) return null;
      return typed(slot, held, content);
    },
    replug: () => {
      const rest = (slot: SoftwareSlot | null) => slot && { ...slot, sessionUse: -1 };
      powered = plugIn();
      const slots = { 1: rest(state.slots[1]), 2: rest(state.slots[2]) };
      keep({ ...state, slots, sequence: slots[1] || slots[2] ? 1 : 0, powered });
    },
  };
}

import type { Check } from '../report.ts';
import { can, type SlotNumber } from '../yubikey/commands.ts';
import { requireAbility } from '../yubikey/refusal.ts';
import { encodeSlot, type SlotContent } from '../yubikey/slot.ts';
import type { OpenKey } from '../yubikey/survey.ts';
import type { Confirmation } from './enrol.ts';
import { type Programmable, servedId } from './plan.ts';
import type { NewSlot, SlotRecord } from './store.ts';

/** A slot that is to be programmed. */
export type Program = {
  readonly slot: SlotNumber;
  readonly kind: Programmable;
  readonly content: SlotContent;
  readonly oldCode: Uint8Array;
  /** What we have written there before. */
  readonly before: SlotRecord | undefined;
};

/** @throws AppError E_FIRMWARE (exit 69) when the key cannot hold that */
export function requireFirmware(
  { status: { version } }: OpenKey,
  { slot, kind }: Pick<Program, 'slot' | 'kind'>,
): void {
  if (slot === 2) requireAbility(version, 'a second slot');
  if (kind === 'oath-hotp') requireAbility(version, 'OATH-HOTP');
  if (kind === 'hmac-sha1') requireAbility(version, 'challenge and response');
}

/** What will be lost or has to be known, before anybody says yes. */
export function cautions({ status, view, owner }: OpenKey, { slot, kind, before }: Program): Check[] {
  const found: Check[] = [];
  if (status.slots[slot] !== 'empty') {
    const what = before ? `${before.kind} ${before.publicId ?? ''}`.trim() : 'what another program wrote';
    found.push({
      id: 'yubikey.overwrites',
      status: 'ok',
      info: true,
      message: `Slot ${slot} holds something (${what}); it will be lost for good.`,
    });
  }
  if (slot === 1 && status.slots[1] !== 'empty' && !before && kind === 'yubico-otp')
    found.push({
      id: 'yubikey.factory',
      status: 'ok',
      info: true,
      message:
        'If that is the credential from the factory, the key cannot be used with YubiCloud any more; slot 2 would keep it.',
    });
  if (kind === 'static')
    found.push({
      id: 'yubikey.layout',
      status: 'ok',
      info: true,
      message:
        'A static password is typed by key positions of the US layout, can be replayed, and types into whatever has the focus.',
    });
  if (!can(status.version, 'reading the serial number') || view.serial === null)
    found.push({
      id: 'yubikey.serial',
      status: 'ok',
      info: true,
      message: `The key shows no serial number: our records call it ${owner}. Write that on it, and name it with --serial=${owner} from now on.`,
    });
  return found;
}

/** The plan in sentences. */
export function planOf({ view }: OpenKey, { slot, kind, content }: Program): string[] {
  const id = servedId(kind, content);
  const key = view.serial === null ? view.node : String(view.serial);
  const isProtected = content.accessCode.some((byte) => byte !== 0);
  return [
    `Record the secrets of slot ${slot} of ${key} in the store, encrypted, before anything is written.`,
    `Write ${kind}${id === null ? '' : ` with the public id ${id}`} into slot ${slot}${isProtected ? ', protected with an access code' : ''}.`,
    'See by the sequence number and the slot bits that the key took it.',
    kind === 'static'
      ? 'Put it into use.'
      : `${kind === 'hmac-sha1' ? 'Ask it a challenge' : 'Have it touched once'}, compare, and put it into use.`,
  ];
}

/** What the store records. */
export function newSlot({ owner, status }: OpenKey, program: Program): NewSlot {
  const { slot, kind, content, oldCode } = program;
  return {
    serial: owner,
    slot,
    kind,
    publicId: servedId(kind, content),
    firmware: status.version.join('.'),
    config: encodeSlot(content),
    oldCode,
  };
}

/** What remains to be said after the second phase; null stands for nobody having touched the key. */
export function touchCheck(confirmation: Confirmation | null): Check[] {
  if (confirmation === null)
    return [
      {
        id: 'yubikey.unfinished',
        status: 'warn',
        message:
          'The slot was written, but not seen to work: nobody touched the key. Its OTPs are not taken yet.',
        fix: 'Go on with "postern yubikey program --resume" at a terminal, or with --otp-file.',
      },
    ];
  if (confirmation.kind === 'works') return [];
  return [
    {
      id: 'yubikey.touch',
      status: 'crit',
      message: confirmation.why,
      fix: 'Touch the right key in the right slot, and go on with "postern yubikey program --resume".',
    },
  ];
}

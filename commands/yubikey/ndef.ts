import * as Flags from '@oclif/core/flags';
import { ChangeCommand, type Planned, recordFor } from '../../src/cli/change-command.ts';
import { changeFlags, slotFlag, slotOf } from '../../src/cli/desk.ts';
import { withEnvironment } from '../../src/cli/flags.ts';
import { deskStoreFlags } from '../../src/cli/key-store.ts';
import { AppError, ExitCode } from '../../src/errors.ts';
import type { YubikeyChangeResult } from '../../src/schema/yubikey.ts';
import { hasNdef, type Ndef, ndefPayload, writeNdef } from '../../src/yubikey/ndef.ts';
import { refusal, requireProgrammed } from '../../src/yubikey/refusal.ts';
import type { OpenKey } from '../../src/yubikey/survey.ts';

export default class YubikeyNdef extends ChangeCommand {
  static override summary = 'Set what a telephone reads from a YubiKey that is held to it.';
  static override description =
    'An address or a text, behind which the key puts the OTP of the slot. Whoever the address belongs to sees the OTP.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --slot 1 --uri https://login.example.org/otp#',
    '<%= config.bin %> <%= command.id %> --slot 1 --text otp= --yes --serial 1234567',
  ];
  static override flags = {
    ...changeFlags,
    ...slotFlag,
    ...deskStoreFlags,
    ...withEnvironment({
      uri: Flags.string({ summary: 'Address, up to 53 bytes behind its beginning.', helpValue: 'URI' }),
      text: Flags.string({ summary: 'Text, up to 51 bytes.', exclusive: ['uri'], helpValue: 'TEXT' }),
    }),
  };

  override async run(): Promise<YubikeyChangeResult> {
    const { flags } = await this.parse(YubikeyNdef);
    const ndef: Ndef =
      flags.text === undefined
        ? { kind: 'uri', content: flags.uri ?? 'https://my.yubico.com/yk/#' }
        : { kind: 'text', content: flags.text };
    const payload = ndefPayload(ndef);
    if (!payload)
      throw new AppError(`The ${ndef.kind} is too long for a key.`, {
        code: 'E_SLOT',
        exit: ExitCode.usage,
        hint: 'It holds 54 bytes; common beginnings such as https:// take one.',
      });
    const slot = slotOf(flags);
    return this.change(flags, false, (key, store): Planned => {
      requireRadio(key);
      requireProgrammed(key.status, slot);
      return {
        slot,
        plan: [
          `Set the NDEF record to the ${ndef.kind} ${ndef.content}, followed by the OTP of slot ${slot}.`,
        ],
        checks: [],
        carryOut: async () => {
          const { status, info, wire } = key;
          const change = await writeNdef(wire, slot, payload);
          if (change.kind === 'refused') throw refusal('ndef', { slot, status, info, codeOffered: false });
          return {
            summary: `A telephone reads ${ndef.content} and the OTP of slot ${slot}.`,
            recordId: recordFor(key, store, slot)?.id,
          };
        },
      };
    });
  }
}

function requireRadio({ status: { version }, info }: OpenKey): void {
  if (hasNdef(version, info?.nfcSupported ?? [])) return;
  throw new AppError('This key has no radio (NFC), so that no telephone can read it.', {
    code: 'E_FIRMWARE',
    exit: ExitCode.unavailable,
    hint: 'A YubiKey NEO or a YubiKey 5 NFC has one.',
  });
}

import { randomBytes } from 'node:crypto';
import * as Flags from '@oclif/core/flags';
import {
  ChangeCommand,
  currentCodes,
  type Done,
  type Planned,
  recordFor,
} from '../../src/cli/change-command.ts';
import { changeFlags, readAccessCode, readHexFile, slotOf } from '../../src/cli/desk.ts';
import { withEnvironment } from '../../src/cli/flags.ts';
import { storeFlags } from '../../src/cli/key-store.ts';
import { ask } from '../../src/cli/prompt.ts';
import { readSecretFile } from '../../src/cli/secrets.ts';
import { line } from '../../src/cli/text.ts';
import { readTouch } from '../../src/cli/touch.ts';
import { AppError, ExitCode } from '../../src/errors.ts';
import {
  type Confirmation,
  confirmChallenge,
  confirmTyped,
  enrol,
  writeAgain,
} from '../../src/keys/enrol.ts';
import { contentFor, PROGRAMMABLE } from '../../src/keys/plan.ts';
import {
  cautions,
  newSlot,
  type Program,
  planOf,
  requireFirmware,
  touchCheck,
} from '../../src/keys/program.ts';
import type { KeyStore, SlotRecord } from '../../src/keys/store.ts';
import { unfinished } from '../../src/keys/views.ts';
import type { YubikeyChangeResult } from '../../src/schema/yubikey.ts';
import type { SlotNumber } from '../../src/yubikey/commands.ts';
import type { OpenKey } from '../../src/yubikey/survey.ts';

type ProgramFlags = Awaited<ReturnType<YubikeyProgram['read']>>;

/** The record with an id; it was made a moment ago. */
function recordOf(store: KeyStore, serial: number, id: string): SlotRecord {
  const record = store.slots(serial).find((each) => each.id === id);
  if (!record) throw new Error(`record ${id} is gone`);
  return record;
}

function needsStore(store: KeyStore | undefined): KeyStore {
  if (store) return store;
  throw new AppError('There is no store, so nothing was begun.', {
    code: 'E_NOTHING_TO_RESUME',
    exit: ExitCode.usage,
    hint: 'Begin with "postern yubikey program --slot 2".',
  });
}

export default class YubikeyProgram extends ChangeCommand {
  static override summary = 'Program a slot of a YubiKey with new secrets of your own.';
  static override description =
    'The secrets are recorded in the encrypted store before they are written, and the slot counts only after the key was ' +
    'seen to use them: whatever interrupts it, --resume goes on. Nobody ever holds a key whose secret is lost.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --slot 2',
    '<%= config.bin %> <%= command.id %> --slot 2 --dry-run',
    '<%= config.bin %> <%= command.id %> --slot 2 --kind hmac-sha1 --yes --serial 1234567',
    '<%= config.bin %> <%= command.id %> --resume --serial 1234567 --yes',
  ];
  static override flags = {
    ...changeFlags,
    ...storeFlags,
    ...withEnvironment({
      slot: Flags.integer({
        summary: 'Slot: 1 is a short touch, 2 a long one. Slot 1 has the credential from the factory.',
        min: 1,
        max: 2,
        helpValue: '1|2',
      }),
      kind: Flags.option({
        summary: 'What the slot is to be.',
        options: PROGRAMMABLE,
        default: 'yubico-otp' as const,
      })(),
      'public-id': Flags.string({
        summary: 'Public id of a Yubico OTP: "serial", "random", or in modhex.',
        default: 'serial',
        helpValue: 'ID',
      }),
      'secret-file': Flags.string({
        summary:
          'Take the secret from this file instead of making one: hexadecimal, 32 digits for a Yubico OTP, else 40; for a static password the text.',
        helpValue: 'FILE',
      }),
      'private-id-file': Flags.string({
        summary: 'Take the private id of a Yubico OTP from this file: 12 hexadecimal digits.',
        helpValue: 'FILE',
      }),
      enter: Flags.boolean({ summary: 'Type Enter at the end.', default: true, allowNo: true }),
      touch: Flags.boolean({ summary: 'Answer challenges only after a touch.' }),
      digits: Flags.option({
        summary: 'Digits of an OATH-HOTP.',
        options: ['6', '8'] as const,
        default: '6' as const,
      })(),
      protect: Flags.boolean({
        summary: 'Protect the slot with a random access code, which the store keeps.',
        exclusive: ['new-access-code-file'],
      }),
      'new-access-code-file': Flags.string({
        summary: 'Protect the slot with the access code in this file: 12 hexadecimal digits.',
        helpValue: 'FILE',
      }),
      'otp-file': Flags.string({
        summary:
          'Read what the touch types from this file or pipe ("-" is standard input) instead of the terminal.',
        helpValue: 'FILE',
      }),
      resume: Flags.boolean({ summary: 'Go on with what was begun with this key.' }),
    }),
  };

  private async read() {
    const { flags } = await this.parse(YubikeyProgram);
    return flags;
  }

  override async run(): Promise<YubikeyChangeResult> {
    const flags = await this.read();
    const slot = flags.resume ? null : await this.whichSlot(flags);
    const result = await this.change(flags, slot !== null, (key, store) =>
      slot === null ? this.goOn(flags, key, needsStore(store)) : this.start(flags, slot, key, store),
    );
    this.next('postern login add');
    return result;
  }

  /** The slot that was given, or is given now. */
  private async whichSlot({ slot }: ProgramFlags): Promise<SlotNumber> {
    if (slot !== undefined) return slotOf({ slot });
    const answer = await ask(
      {
        message: 'Which slot? 1 is a short touch and has the credential from the factory, 2 a long one:',
        flag: 'slot',
        validate: (typed) => /^[12]$/.test(typed.trim()) || 'It is 1 or 2.',
      },
      this.mayAsk,
    );
    return slotOf({ slot: Number(answer) });
  }

  private start(flags: ProgramFlags, slot: SlotNumber, key: OpenKey, store: KeyStore | undefined): Planned {
    const before = recordFor(key, store, slot);
    const oldCodes = currentCodes(flags, store, before);
    const [oldCode] = oldCodes;
    const program: Program = {
      slot,
      kind: flags.kind,
      content: contentFor({
        kind: flags.kind,
        serial: key.view.serial ?? 0,
        version: key.status.version,
        publicId: flags['public-id'],
        secret: readSecret(flags),
        privateId: readPrivateId(flags),
        password: readPassword(flags),
        enter: flags.enter,
        touch: flags.touch,
        digits: flags.digits === '8' ? 8 : 6,
        accessCode: newCode(flags) ?? oldCode,
      }),
      oldCode,
      before,
    };
    requireFirmware(key, program);
    return {
      slot,
      plan: planOf(key, program),
      checks: cautions(key, program),
      carryOut: async () => {
        const kept = needsStore(store);
        const id = await enrol(key, kept, newSlot(key, program), oldCodes, Date.now());
        return this.confirm(flags, key, kept, recordOf(kept, key.view.serial ?? 0, id));
      },
    };
  }

  private goOn(flags: ProgramFlags, key: OpenKey, store: KeyStore): Planned {
    const [record] = unfinished(store, key.view.serial ?? 0);
    if (!record)
      throw new AppError('Nothing was begun with this key that is not finished.', {
        code: 'E_NOTHING_TO_RESUME',
        exit: ExitCode.usage,
        hint: '"postern yubikey inventory" tells what was written.',
      });
    const write = record.state === 'pending';
    return {
      slot: record.slot,
      plan: [
        ...(write
          ? [
              `Write the recorded ${record.kind} into slot ${record.slot} once more: it is not known to be there.`,
            ]
          : []),
        `See that slot ${record.slot} works, and put it into use.`,
      ],
      checks: [],
      carryOut: async () => {
        if (write) await writeAgain(key, store, record, Date.now());
        return this.confirm(flags, key, store, recordOf(store, record.serial, record.id));
      },
    };
  }

  /** The second phase: see that the slot works. */
  private async confirm(
    flags: ProgramFlags,
    key: OpenKey,
    store: KeyStore,
    record: SlotRecord,
  ): Promise<Done> {
    const confirmation = await this.look(flags, key, store, record);
    const name = `${record.kind}${record.publicId === null ? '' : ` ${record.publicId}`}`;
    const summary =
      confirmation?.kind === 'works'
        ? `Slot ${record.slot} of ${key.view.serial ?? key.view.node} is in use: ${name}.`
        : `Slot ${record.slot} of ${key.view.serial ?? key.view.node} was written, and waits for a touch: ${name}.`;
    return { summary, checks: touchCheck(confirmation), recordId: record.id };
  }

  private async look(
    flags: ProgramFlags,
    key: OpenKey,
    store: KeyStore,
    record: SlotRecord,
  ): Promise<Confirmation | null> {
    if (record.kind === 'hmac-sha1') return confirmChallenge(key, store, record, Date.now());
    if (record.kind === 'static') {
      store.activate(record.id, Date.now());
      return { kind: 'works' };
    }
    this.note(line`Touch the key ${record.slot === 1 ? 'shortly' : 'for three seconds'}.`);
    const typed = await readTouch(flags['otp-file'], this.signal, this.mayAsk);
    return typed === null ? null : confirmTyped(store, record, typed, Date.now());
  }
}

function readSecret(flags: ProgramFlags): Uint8Array | undefined {
  const file = flags['secret-file'];
  if (file === undefined || flags.kind === 'static') return undefined;
  return flags.kind === 'yubico-otp'
    ? readHexFile(file, 'secret-file', [16], 'an AES key has 32 hexadecimal digits')
    : readHexFile(file, 'secret-file', [20], 'this secret has 40 hexadecimal digits');
}

function readPrivateId(flags: ProgramFlags): Uint8Array | undefined {
  const file = flags['private-id-file'];
  return file === undefined
    ? undefined
    : readHexFile(file, 'private-id-file', [6], 'a private id has 12 hexadecimal digits');
}

function readPassword(flags: ProgramFlags): string | undefined {
  if (flags.kind !== 'static') return undefined;
  if (flags['secret-file'] !== undefined) return readSecretFile(flags['secret-file']);
  throw new AppError('--secret-file is missing.', {
    code: 'E_SLOT',
    exit: ExitCode.usage,
    hint: 'Write the static password into a file that only you can read.',
  });
}

function newCode(flags: ProgramFlags): Uint8Array | undefined {
  if (flags.protect) return randomBytes(6);
  return readAccessCode(flags['new-access-code-file'], 'new-access-code-file');
}

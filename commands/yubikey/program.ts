import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import * as Flags from '@oclif/core/flags';
import {
  ChangeCommand,
  currentCodes,
  type Done,
  type Planned,
  recordFor,
} from '../../src/cli/change-command.ts';
import {
  changeFlags,
  openDesk,
  readAccessCode,
  readHexFile,
  slotOf,
  speakingOf,
} from '../../src/cli/desk.ts';
import { withEnvironment } from '../../src/cli/flags.ts';
import { addToBatchList, type BatchRow, nextKey, nextLabel, readBatchList } from '../../src/cli/key-batch.ts';
import { deskStoreFlags } from '../../src/cli/key-store.ts';
import { ask } from '../../src/cli/prompt.ts';
import { encryptFor, recipientFlags } from '../../src/cli/recipients.ts';
import { recordAtServer, recordServerFlags, recordServerOf } from '../../src/cli/record-server.ts';
import { renderChange } from '../../src/cli/render/yubikey.ts';
import { readSecretFile, replaceSecret, writeSecret } from '../../src/cli/secrets.ts';
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
import { handedOver, seenRecord } from '../../src/keys/transfer/hand-over.ts';
import { recordText, type TransferRecord } from '../../src/keys/transfer/record.ts';
import { unfinished } from '../../src/keys/views.ts';
import { type Check, worst } from '../../src/report.ts';
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

/** A key that was programmed, but the machine died before the list said so: it gets its line and is not written again. */
function onRecord({ id, slot }: SlotRecord): Planned {
  const summary = `Slot ${slot} is on record already.`;
  return { slot, plan: [summary], checks: [], carryOut: async () => ({ summary, recordId: id }) };
}

const boxCheck = (serial: number, why: string): Check => ({
  id: 'yubikey.batch',
  status: 'warn',
  message: `Key ${serial} is not done: ${why}.`,
  fix: 'Run the command again with the same list, and put it in.',
});

function boxResult(
  slot: SlotNumber,
  rows: readonly BatchRow[],
  tried: readonly Check[],
): YubikeyChangeResult {
  const done = new Set(rows.map(({ serial }) => serial));
  const checks = tried.filter(({ message }) => !done.has(Number(/\d+/.exec(message)?.[0])));
  return {
    target: null,
    status: worst(checks.map(({ status }) => status)),
    summary: rows.length === 1 ? 'One key is done.' : `${rows.length} keys are done.`,
    checks,
    serial: null,
    slot,
    dryRun: false,
    plan: [],
    record: null,
    batch: rows,
  };
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
    '<%= config.bin %> <%= command.id %> --slot 2 --record-to 1234567.age --recipient age1…',
    '<%= config.bin %> <%= command.id %> --resume --serial 1234567 --yes',
  ];
  static override flags = {
    ...changeFlags,
    ...deskStoreFlags,
    ...recipientFlags,
    ...recordServerFlags,
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
      'record-to': Flags.string({
        summary:
          'For a validation server elsewhere: write the secrets of a Yubico OTP to this new file, encrypted with age, before the key gets them; "postern validation import" takes it there.',
        helpValue: 'FILE',
      }),
      resume: Flags.boolean({ summary: 'Go on with what was begun with this key.' }),
      batch: Flags.string({
        summary:
          'Program a box of keys, one after the other; this file lists those that are done, for labels and to go on later. --record-to names a folder.',
        helpValue: 'FILE',
        exclusive: ['resume', 'serial', 'dry-run', 'secret-file', 'private-id-file'],
      }),
      'label-prefix': Flags.string({
        summary: 'With --batch: labels begin with this, and a number follows.',
        default: 'key-',
        helpValue: 'TEXT',
      }),
      count: Flags.integer({ summary: 'With --batch: end after so many keys.', min: 1, helpValue: 'N' }),
    }),
  };

  private async read() {
    const { flags } = await this.parse(YubikeyProgram);
    return flags;
  }

  override async run(): Promise<YubikeyChangeResult> {
    const flags = await this.read();
    const slot = flags.resume ? null : await this.whichSlot(flags);
    if (flags.batch !== undefined) return this.programBox(flags, flags.batch, slot ?? 2);
    const result = await this.change(flags, slot !== null, (key, store) =>
      slot === null ? this.goOn(flags, key, needsStore(store)) : this.start(flags, slot, key, store),
    );
    this.next('postern login add');
    return result;
  }

  /** One key after the other, until there are enough; Ctrl-C ends it as well, and the list says what was done. */
  private async programBox(
    flags: ProgramFlags,
    list: string,
    slot: SlotNumber,
  ): Promise<YubikeyChangeResult> {
    if (!/^[\w.:@ -]*$/.test(flags['label-prefix']))
      throw new AppError('--label-prefix takes letters, digits and . : @ _ - alone.', {
        code: 'E_BATCH',
        exit: ExitCode.usage,
      });
    let rows = readBatchList(list);
    const failed: Check[] = [];
    let before: number | null | undefined;
    for (let done = 0; done < (flags.count ?? Number.POSITIVE_INFINITY); ) {
      this.note(line`Put the next key in, and no other. Ctrl-C ends.`);
      before = await nextKey(() => openDesk(flags), speakingOf(flags, this.signal), before);
      const serial = before;
      const known = rows.find((row) => row.serial === serial && row.slot === slot);
      if (serial === null) this.note(line`The key shows no serial number; program it by itself.`);
      else if (known) this.note(line`Key ${serial} was done before: ${known.label}.`);
      else {
        const outcome = await this.programOne({ ...flags, serial }, slot);
        if ('status' in outcome) failed.push(outcome);
        else {
          const row = { ...outcome, label: nextLabel(flags['label-prefix'], rows) };
          addToBatchList(list, rows, row);
          rows = [...rows, row];
          done += 1;
          this.note(line`Key ${serial} is done: ${row.label}. Take it out.`);
        }
      }
    }
    return this.emit(boxResult(slot, rows, failed), renderChange);
  }

  /** One key of a box; what keeps it from being programmed is told, and the next one may come. */
  private async programOne(
    flags: ProgramFlags & { readonly serial: number },
    slot: SlotNumber,
  ): Promise<Omit<BatchRow, 'label'> | Check> {
    const { serial } = flags;
    const folder = flags['record-to'];
    const own = folder === undefined ? flags : { ...flags, 'record-to': join(folder, `${serial}.age`) };
    try {
      const { record } = await this.changed(own, true, (key, store) => {
        const begun = unfinished(store, key.owner).some((each) => each.slot === slot);
        if (begun) return this.goOn(own, key, needsStore(store));
        const current = recordFor(key, store, slot);
        return current ? onRecord(current) : this.start(own, slot, key, store);
      });
      if (record?.state === 'current')
        return { serial, slot, publicId: record.publicId, time: record.changed };
      this.note(line`Key ${serial} was not seen to work. Put it in again to go on.`);
      return boxCheck(serial, 'it was not seen to work');
    } catch (error) {
      if (!(error instanceof AppError) || error.exit === ExitCode.interrupted) throw error;
      this.note(line`Key ${serial}: ${error.message} ${error.hint ?? ''}`);
      return boxCheck(serial, error.message.replace(/\.$/, ''));
    }
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
    // What cannot be recorded there is told before anything is begun here.
    if (flags.server !== undefined) {
      recordServerOf(flags.server);
      if (flags.kind !== 'yubico-otp') throw noOtp('--server');
    }
    const before = recordFor(key, store, slot);
    const oldCodes = currentCodes(flags, store, before);
    const [oldCode] = oldCodes;
    const program: Program = {
      slot,
      kind: flags.kind,
      content: contentFor({
        kind: flags.kind,
        serial: key.owner,
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
      plan: [
        ...(flags.server === undefined ? [] : [`Record it at ${flags.server}, too.`]),
        ...planOf(key, program),
      ],
      checks: cautions(key, program),
      carryOut: async () => {
        const kept = needsStore(store);
        const slotToWrite = newSlot(key, program);
        const how = flags.batch === undefined ? 'new' : 'anew';
        await handOver(flags, handedOver(slotToWrite, program.content, Date.now()), how);
        const id = await enrol(key, kept, slotToWrite, oldCodes, Date.now(), () =>
          this.tellServer(flags, handedOver(slotToWrite, program.content, Date.now())),
        );
        return this.confirm(flags, key, kept, recordOf(kept, key.owner, id));
      },
    };
  }

  private goOn(flags: ProgramFlags, key: OpenKey, store: KeyStore): Planned {
    const [record] = unfinished(store, key.owner);
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
        const again = handedOver(record, store.contentOf(record), record.createdMs);
        await handOver(flags, again, 'anew');
        await this.tellServer(flags, again);
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
    const seen = confirmation?.kind === 'works' ? seenRecord(store, record) : null;
    if (seen) await handOver(flags, seen, 'anew');
    const told = seen ? await this.tellSeen(flags, seen) : [];
    const name = `${record.kind}${record.publicId === null ? '' : ` ${record.publicId}`}`;
    const summary =
      confirmation?.kind === 'works'
        ? `Slot ${record.slot} of ${key.view.serial ?? key.view.node} is in use: ${name}.`
        : `Slot ${record.slot} of ${key.view.serial ?? key.view.node} was written, and waits for a touch: ${name}.`;
    return { summary, checks: [...touchCheck(confirmation), ...told], recordId: record.id };
  }

  /** Have the validation server record it, where there is one. */
  private async tellServer(flags: ProgramFlags, record: TransferRecord | null): Promise<void> {
    if (flags.server === undefined) return;
    if (!record) throw noOtp('--server');
    await recordAtServer(flags, record, this.signal);
  }

  /** The key works, and is on record there; whether the server takes its OTPs is all that is left. */
  private async tellSeen(flags: ProgramFlags, record: TransferRecord): Promise<Check[]> {
    try {
      await this.tellServer(flags, record);
      return [];
    } catch (error) {
      if (!(error instanceof AppError) || error.exit === ExitCode.interrupted) throw error;
      const message = `The server has the key, and does not know that it works: ${error.message}`;
      const fix = `On the server: postern validation key enable ${record.publicId}.`;
      return [{ id: 'yubikey.server', status: 'warn', message, fix }];
    }
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

/**
 * Write the record for a server elsewhere, encrypted, where it was asked for.
 *
 * @param how  whether it may stand in the place of an earlier one
 */
async function handOver(
  flags: ProgramFlags,
  record: TransferRecord | null,
  how: 'new' | 'anew' = 'new',
): Promise<void> {
  const file = flags['record-to'];
  if (file === undefined) return;
  if (!record) throw noOtp('--record-to');
  const bytes = await encryptFor(flags, recordText(record));
  if (how === 'new') writeSecret(file, bytes);
  else replaceSecret(file, bytes);
}

function noOtp(flag: string): AppError {
  return new AppError(`${flag} is for a Yubico OTP: a validation server takes nothing else.`, {
    code: 'E_SLOT',
    exit: ExitCode.usage,
    hint: 'Leave it out; the store of this machine has the secrets.',
  });
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

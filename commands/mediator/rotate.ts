import type { KeyObject } from 'node:crypto';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base.ts';
import { withEnvironment } from '../../src/cli/flags.ts';
import { readWhole } from '../../src/cli/input.ts';
import { actorFlags, actorOf, Office, readKey } from '../../src/cli/mediator.ts';
import { signPublication } from '../../src/cli/mediator-signing.ts';
import { renderFindings } from '../../src/cli/render/mediator.ts';
import { AppError, ExitCode } from '../../src/errors.ts';
import { changeRole } from '../../src/mediator/rotation.ts';
import { LIFE_MS, missingSignatures, prepareRoot, signWith } from '../../src/mediator/signing.ts';
import { ROLES, type Root } from '../../src/registry/documents.ts';
import { writeEnvelope } from '../../src/registry/envelope.ts';
import {
  makeSigningKey,
  type PublicKey,
  publicHalf,
  publicKeyFromPem,
  sha256,
} from '../../src/registry/keys.ts';
import type { MediatorRotateResult } from '../../src/schema/mediator.ts';

export default class MediatorRotate extends BaseCommand {
  static override summary = 'Change the keys of a role: a new root that the old keys and the new ones sign.';
  static override description =
    'Without --add a new key is made here and takes the place of all others of the role. With --add the public key of ' +
    'somebody else joins those that are there, and --threshold says how many have to sign. Readers follow by themselves. ' +
    'The root key has to be here for it, or be named with --key. Pointer and, if its keys changed, list are signed again.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> list --actor "Ann Checker"',
    '<%= config.bin %> <%= command.id %> list --add ben.pub.pem --threshold 2 --actor "Ann Checker"',
  ];
  static override args = {
    role: Args.string({
      description: 'root, list or pointer.',
      options: [...ROLES],
      required: true,
      ignoreStdin: true,
    }),
  };
  static override flags = {
    ...withEnvironment({
      add: Flags.string({ summary: 'Add this public key (PEM) and keep the others.', helpValue: 'FILE' }),
      threshold: Flags.integer({
        summary: 'How many keys of the role have to sign.',
        min: 1,
        max: 100,
        helpValue: 'N',
      }),
      key: Flags.string({
        summary: 'Sign with the key in this file, too; several may be given.',
        multiple: true,
        multipleNonGreedy: true,
        helpValue: 'FILE',
      }),
    }),
    ...actorFlags,
  };

  override async run(): Promise<MediatorRotateResult> {
    const { args, flags } = await this.parse(MediatorRotate);
    const role = ROLES.find((each) => each === args.role) ?? 'list';
    const actor = await actorOf(flags.actor, this.mayAsk);
    const given = flags.add === undefined ? null : await readPublicKey(flags.add);
    const own = given === null ? makeSigningKey() : null;
    const extra = (flags.key ?? []).map(readKey);
    const office = new Office(flags.folder);
    const result = await office.alone(async () => {
      const nowMs = Math.floor(Date.now() / 1000) * 1000;
      const before = office.published().root.said;
      const added = given ?? publicHalf(own as KeyObject);
      const times = { issuedMs: nowMs, expiresMs: nowMs + LIFE_MS.root };
      const after: Root = {
        ...before,
        ...times,
        version: before.version + 1,
        roles: changeRole(before.roles, role, added, {
          keep: given !== null,
          threshold: flags.threshold ?? null,
        }),
      };
      const keys = [...office.keys(), ...extra, ...(own === null ? [] : [own])];
      const bytes = signRoot(before, after, keys);
      const file = own === null ? null : office.keepKey(role, own);
      const journal = office.journal();
      office.note(journal, [{ kind: 'rotate', root: after.version, sha256: sha256(bytes) }], actor, nowMs);
      office.putPublic(`${after.version}.root.json`, bytes);
      const hasList = journal.ledger.list > 0;
      const made = hasList
        ? signPublication({ office, actor, nowMs, keys: extra, always: role === 'list' })
        : null;
      const waits = made !== null && made.missing > 0;
      return {
        target: before.mediator,
        status: waits ? ('warn' as const) : ('ok' as const),
        summary: waits
          ? `Root ${after.version} has the new ${role} key; the list waits for ${made.missing} more signatures.`
          : `Root ${after.version} has the new ${role} key. Next: postern mediator publish DIR.`,
        checks: [],
        mediator: before.mediator,
        role,
        root: after.version,
        key: added.id,
        file,
      };
    });
    return this.emit(result, renderFindings);
  }
}

/** TUF §6.1: the keys before and the keys after both sign. */
function signRoot(before: Root, after: Root, keys: readonly KeyObject[]): Buffer {
  const offices = [before.roles.root, after.roles.root];
  const envelope = offices.reduce((so, role) => signWith(so, role, keys), prepareRoot(after));
  if (offices.every((role) => missingSignatures(envelope, role) === 0)) return writeEnvelope(envelope);
  throw new AppError('The root keys that are needed for it are not here.', {
    code: 'E_KEYS',
    exit: ExitCode.config,
    hint: 'Bring the medium that they are on, and name them with --key.',
  });
}

async function readPublicKey(file: string): Promise<PublicKey> {
  const bytes = await readWhole(file, 10_000);
  try {
    return publicKeyFromPem(bytes.toString('utf8'));
  } catch (error) {
    throw new AppError(`'${file}' holds no public Ed25519 key.`, {
      code: 'E_KEY',
      exit: ExitCode.input,
      hint: 'openssl pkey -in key.pem -pubout writes one.',
      cause: error,
    });
  }
}

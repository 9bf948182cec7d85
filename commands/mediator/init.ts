import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base.ts';
import { withEnvironment } from '../../src/cli/flags.ts';
import { actorFlags, actorOf, answer, Office } from '../../src/cli/mediator.ts';
import { renderInit } from '../../src/cli/render/mediator.ts';
import { parseDomain } from '../../src/dns/names.ts';
import { AppError, ExitCode } from '../../src/errors.ts';
import { LIFE_MS, prepareRoot } from '../../src/mediator/signing.ts';
import { ROLES, type Role, type RoleKeys, type Root } from '../../src/registry/documents.ts';
import { signEnvelope, writeEnvelope } from '../../src/registry/envelope.ts';
import { makeSigningKey, publicHalf, sha256 } from '../../src/registry/keys.ts';
import type { MediatorInitResult } from '../../src/schema/mediator.ts';

export default class MediatorInit extends BaseCommand {
  static override summary = 'Begin as a mediator: keys, root and journal.';
  static override description =
    'Makes three keys, for root, list and pointer, and the first root. Hand the root file to readers by another way than ' +
    'the web server. The root key is needed for new keys only: take it off this machine. More keys and a threshold ' +
    'come with mediator rotate.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> mediator.example.org --name "Example Mediator" --actor "Ann Checker"',
  ];
  static override args = {
    mediator: Args.string({
      description: 'Host name of the mediator: its identifier, and where its VBR records lie.',
      required: true,
      ignoreStdin: true,
    }),
  };
  static override flags = {
    ...withEnvironment({ name: Flags.string({ summary: 'Name to show to readers.', helpValue: 'NAME' }) }),
    ...actorFlags,
  };

  override async run(): Promise<MediatorInitResult> {
    const { args, flags } = await this.parse(MediatorInit);
    const mediator = hostOf(args.mediator);
    const name = await answer(flags.name, { message: 'Name to show to readers:', flag: 'name' }, this.mayAsk);
    const actor = await actorOf(flags.actor, this.mayAsk);
    const office = new Office(flags.folder);
    return await office.alone(async () => {
      if (office.journalOrNone().deeds.length > 0) throw isThere(office.folder);
      return this.emit(begin(office, { mediator, name, actor }), renderInit);
    });
  }
}

function begin(
  office: Office,
  { mediator, name, actor }: { readonly mediator: string; readonly name: string; readonly actor: string },
): MediatorInitResult {
  const nowMs = Math.floor(Date.now() / 1000) * 1000;
  const made = ROLES.map((role) => ({ role, key: makeSigningKey() }));
  const keysOf = (role: Role): RoleKeys => ({
    threshold: 1,
    keys: made.filter((each) => each.role === role).map(({ key }) => publicHalf(key)),
  });
  const roles = { root: keysOf('root'), list: keysOf('list'), pointer: keysOf('pointer') };
  const root: Root = { mediator, name, version: 1, issuedMs: nowMs, expiresMs: nowMs + LIFE_MS.root, roles };
  const signer = made.find(({ role }) => role === 'root')?.key ?? makeSigningKey();
  const bytes = writeEnvelope(signEnvelope(prepareRoot(root), signer));
  const keys = made.map(({ role, key }) => ({
    role,
    id: publicHalf(key).id,
    file: office.keepKey(role, key),
  }));
  office.putPublic('1.root.json', bytes);
  const rootFile = join(office.folder, `${mediator}.root.json`);
  copyFileSync(join(office.public, '1.root.json'), rootFile);
  const acts = [
    { kind: 'init', mediator, name },
    { kind: 'rotate', root: 1, sha256: sha256(bytes) },
  ] as const;
  office.note(office.journalOrNone(), acts, actor, nowMs);
  const summary = `${name} can begin. Copies of the keys belong on another medium, the root key on that alone.`;
  return {
    target: mediator,
    status: 'ok',
    summary,
    checks: [],
    mediator,
    actor,
    folder: office.folder,
    root: rootFile,
    keys,
  };
}

function hostOf(text: string): string {
  const parsed = parseDomain(text);
  if (parsed.kind === 'name') return parsed.ascii;
  throw new AppError(`'${text}' ${parsed.reason}.`, {
    code: 'E_TARGET',
    exit: ExitCode.usage,
    hint: 'Give a host name such as mediator.example.org.',
  });
}

function isThere(folder: string): AppError {
  return new AppError(`There is a mediator in '${folder}' already.`, {
    code: 'E_EXISTS',
    exit: ExitCode.cannotWrite,
    hint: 'Name another folder with --folder.',
  });
}

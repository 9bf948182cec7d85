import { dirname, join, resolve } from 'node:path';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base.ts';
import { withEnvironment } from '../../src/cli/flags.ts';
import { mediatorFlags, Office, type Published } from '../../src/cli/mediator.ts';
import { renderPublish } from '../../src/cli/render/mediator.ts';
import { domainArgument } from '../../src/cli/targets.ts';
import { AppError, ExitCode } from '../../src/errors.ts';
import { makeFolder } from '../../src/folder.ts';
import type { Ledger } from '../../src/mediator/ledger.ts';
import { tooLongCheck, vbrZone } from '../../src/mediator/vbr-zone.ts';
import { instant } from '../../src/registry/documents.ts';
import { replaceFile } from '../../src/registry/files.ts';
import { keptLogoName } from '../../src/registry/logos.ts';
import type { MediatorPublishResult } from '../../src/schema/mediator.ts';

export default class MediatorPublish extends BaseCommand {
  static override summary =
    'Write what was signed into a folder for any web server, with the VBR zone for any name server.';
  static override description =
    'Roots, list, logos and the VBR zone (vbr.zone for BIND, Knot and NSD; vbr.rbldnsd, a dnset) come first, pointer.json ' +
    'last: whoever reads meanwhile gets the old state or the new one. Let caches keep everything for long but pointer.json and *.root.json, which may be five minutes old.';
  static override examples = ['<%= config.bin %> <%= command.id %> /srv/www/trust'];
  static override args = {
    folder: Args.string({ description: 'Folder to write into.', required: true, ignoreStdin: true }),
  };
  static override flags = {
    ...withEnvironment({
      'name-server': Flags.string({
        summary: 'Name server of the VBR zone; the default is ns. and the mediator’s name.',
        helpValue: 'HOST',
      }),
    }),
    ...mediatorFlags,
  };

  override async run(): Promise<MediatorPublishResult> {
    const { args, flags } = await this.parse(MediatorPublish);
    const office = new Office(flags.folder);
    const folder = resolve(args.folder);
    const server = flags['name-server'] === undefined ? null : domainArgument(flags['name-server']);
    const result = await office.alone(async () => publish(office, folder, server));
    return this.emit(result, renderPublish);
  }
}

function publish(office: Office, folder: string, server: string | null): MediatorPublishResult {
  const { ledger } = office.journal();
  const published = office.published();
  const { pointer, list, root } = published;
  if (pointer === null || list === null || pointer.said.rootVersion !== root.said.version) throw notSigned();
  const { mediator } = root.said;
  const zone = vbrZone(
    ledger,
    { mediator, server: server ?? `ns.${mediator}`, serial: pointer.said.version },
    Date.now(),
  );
  const files = [
    ...filesOf(office, published, ledger),
    ['vbr.zone', Buffer.from(zone.bind)] as const,
    ['vbr.rbldnsd', Buffer.from(zone.rbldnsd)] as const,
  ];
  for (const [name, bytes] of [...files, ['pointer.json', pointer.bytes] as const]) {
    makeFolder(dirname(join(folder, name)), 0o755);
    replaceFile(join(folder, name), bytes, 0o644);
  }
  return {
    target: mediator,
    status: zone.tooLong.length > 0 ? 'warn' : 'ok',
    summary: `List ${list.said.version} is published until ${instant(pointer.said.expiresMs)}.`,
    checks: zone.tooLong.map(tooLongCheck),
    mediator,
    folder,
    list: list.said.version,
    pointer: pointer.said.version,
    expires: instant(pointer.said.expiresMs),
    files: [...files.map(([name]) => name), 'pointer.json'],
  };
}

/** What a reader needs, but for the pointer. */
function filesOf(
  office: Office,
  { roots, list }: Published,
  ledger: Ledger,
): (readonly [string, Uint8Array])[] {
  const digest = list?.said.document.sha256 ?? '';
  const document = `lists/${digest}.json`;
  const logos = [...ledger.entries.values()].flatMap(({ logo }) =>
    logo ? [`lists/${keptLogoName(logo)}`] : [],
  );
  const { openSignup } = list?.said ?? {};
  const names = openSignup ? [`lists/${openSignup.sha256}.names`] : [];
  return [
    ...roots.map(({ said, bytes }) => [`${said.version}.root.json`, bytes] as const),
    ...[document, ...names, ...logos].flatMap((name) => {
      const bytes = office.readPublic(name);
      return bytes === null ? [] : [[name, bytes] as const];
    }),
    ...(list ? [[`${list.said.version}.list.json`, list.bytes] as const] : []),
  ];
}

function notSigned(): AppError {
  return new AppError('There is nothing to publish: list or pointer are not signed with the keys of today.', {
    code: 'E_NOT_SIGNED',
    exit: ExitCode.config,
    hint: 'Run postern mediator sign first.',
  });
}

import { stat } from 'node:fs/promises';
import { isAbsolute, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand, judgeTime } from '../../src/cli/base.ts';
import { dnsFlags, duration, laboratoryFlags, withEnvironment } from '../../src/cli/flags.ts';
import { readWhole } from '../../src/cli/input.ts';
import { openDns, readPem } from '../../src/cli/open-dns.ts';
import { renderTrustSync } from '../../src/cli/render/trust-lists.ts';
import { trustStore } from '../../src/cli/trust-store.ts';
import { AppError, ExitCode } from '../../src/errors.ts';
import { type HttpsWorld, isPublicAddress } from '../../src/net/https.ts';
import { MAX_ENVELOPE_BYTES } from '../../src/registry/envelope.ts';
import { folderSource } from '../../src/registry/folder-source.ts';
import { httpsSource } from '../../src/registry/https-source.ts';
import { sweepLogos } from '../../src/registry/logos.ts';
import { RuleFault } from '../../src/registry/rules.ts';
import type { Kept, TrustStore } from '../../src/registry/store.ts';
import { syncMediator } from '../../src/registry/sync.ts';
import { firstHolding, type Source } from '../../src/registry/update.ts';
import type { TrustSyncResult } from '../../src/schema/trust-lists.ts';

export default class TrustSync extends BaseCommand {
  static override summary = 'Fetch the lists of trusted domains, verify them and keep them.';
  static override description =
    'The first time name where a mediator publishes and, with --root, the root that you got from it by another way: ' +
    'nothing is trusted because it came first. Afterwards no argument is needed. What is kept then holds for every ' +
    'command that judges a sender. Critical: what is published was refused (a signature, an older version, an expired ' +
    'document); what was held before stays. Unknown: nothing could be fetched.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> https://trust.example.org/ --root mediator.root.json',
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> mediator.example --json',
  ];
  static override several = true;
  static override args = {
    source: Args.string({
      description: 'https URL, folder, or identifier of a mediator that is known already; all when left out.',
      ignoreStdin: true,
    }),
  };
  static override flags = {
    ...withEnvironment({
      root: Flags.string({
        summary: 'Root of the mediator, from a file that you trust; the first time only.',
        helpValue: 'FILE',
      }),
      'timeout-https': duration({
        summary: 'Wait for one file.',
        default: 60_000,
        helpGroup: 'TIME-OUT',
      }),
    }),
    ...dnsFlags,
    ...laboratoryFlags,
  };

  override async run(): Promise<readonly TrustSyncResult[]> {
    const { args, flags } = await this.parse(TrustSync);
    const store = trustStore();
    const nowMs = judgeTime(flags['as-of']);
    const { dns, finish } = await openDns(flags, this.signal);
    const world: HttpsWorld = {
      dns,
      ...(flags.ca !== undefined && { ca: readPem(flags.ca) }),
      admits: flags['allow-private'] ? () => true : isPublicAddress,
      offline: flags.offline,
      connectMs: flags['timeout-https'],
      totalMs: flags['timeout-https'],
      signal: this.signal,
    };
    try {
      return await store.alone(async () => {
        const results = await this.each(
          await wanted(args.source, flags.root, store),
          { parallel: 1, ordered: true },
          async (kept) => syncMediator(kept, store, openSource(kept.source, world), nowMs),
          renderTrustSync,
          ({ source }) => source,
        );
        if (results.some(({ changed }) => changed)) sweepLogos(listsOf(store), store.logos);
        return results;
      });
    } finally {
      finish();
    }
  }
}

/** Every list that is kept; null for one that cannot be read. */
function listsOf(store: TrustStore) {
  return store.mediators().map((mediator) => {
    const kept = store.read(mediator);
    return kept && store.list(kept);
  });
}

/** The mediators to bring up to date. */
async function wanted(
  source: string | undefined,
  rootFile: string | undefined,
  store: TrustStore,
): Promise<readonly Kept[]> {
  const known = store.mediators().flatMap((id) => store.read(id) ?? []);
  if (rootFile !== undefined) return [await begin(source, rootFile, known)];
  if (source === undefined) return known.length > 0 ? known : nothingKnown();
  const place = await normalised(source).catch(() => null);
  const named = known.filter((each) => each.source === place || each.holding.root.said.mediator === source);
  return named.length > 0 ? named : nothingKnown(source);
}

/** A mediator that is new here; one that is known keeps its newer root, and may have moved. */
async function begin(source: string | undefined, rootFile: string, known: readonly Kept[]): Promise<Kept> {
  if (source === undefined)
    throw new AppError('--root needs the place where that mediator publishes.', {
      code: 'E_USAGE',
      exit: ExitCode.usage,
      hint: 'Give the URL: postern trust sync https://trust.example.org/ --root FILE.',
    });
  const holding = readRootFile(await readWhole(rootFile, MAX_ENVELOPE_BYTES), rootFile);
  const place = await normalised(source);
  const there = known.find((each) => each.holding.root.said.mediator === holding.root.said.mediator);
  if (there === undefined) return { holding, source: place, syncedMs: null, index: null };
  const isNewer = holding.root.said.version > there.holding.root.said.version;
  const isOther =
    holding.root.said.version === there.holding.root.said.version &&
    !Buffer.from(holding.root.bytes).equals(there.holding.root.bytes);
  return isNewer || isOther
    ? { holding, source: place, syncedMs: null, index: null }
    : { ...there, source: place };
}

function readRootFile(bytes: Uint8Array, file: string): Kept['holding'] {
  try {
    return firstHolding(bytes);
  } catch (error) {
    if (!(error instanceof RuleFault)) throw error;
    throw new AppError(`'${file}' is no root: ${error.message}`, {
      code: 'E_ROOT',
      exit: ExitCode.input,
      hint: 'The mediator hands it out as a file that ends in .root.json.',
      cause: error,
    });
  }
}

function nothingKnown(source?: string): never {
  const what =
    source === undefined ? 'No mediator is followed yet.' : `'${source}' is no mediator that is followed.`;
  throw new AppError(what, {
    code: 'E_NO_ROOT',
    exit: ExitCode.usage,
    hint: 'Name its root the first time: postern trust sync https://trust.example.org/ --root FILE.',
  });
}

/** `https://…/` with its last slash, or the whole path of a folder. */
async function normalised(source: string): Promise<string> {
  if (/^https:\/\//i.test(source) && URL.canParse(source)) {
    const url = new URL(source);
    if (!url.pathname.endsWith('/')) url.pathname += '/';
    if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
      throw badSource(source, 'it has more than host and path');
    return url.href;
  }
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(source) && !source.startsWith('file://'))
    throw badSource(source, 'only https is fetched from');
  const folder = source.startsWith('file://') ? fileURLToPath(source) : resolve(source);
  const found = await stat(folder).catch(() => null);
  if (found?.isDirectory() !== true) throw badSource(source, 'there is no such folder');
  return folder;
}

function badSource(source: string, why: string): AppError {
  return new AppError(`'${source}' cannot be a source: ${why}.`, {
    code: 'E_SOURCE',
    exit: ExitCode.usage,
    hint: 'Give an https URL, or a folder.',
  });
}

function openSource(source: string, world: HttpsWorld): Source {
  return isAbsolute(source) ? folderSource(source) : httpsSource(new URL(source), world);
}

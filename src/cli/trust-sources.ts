import { readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Reason } from '../trust/facts.ts';
import { type Knowledge, knowledge } from '../trust/knowledge.ts';
import type { NameFile } from '../trust/open-signup.ts';
import { isOverridesDocument, readOverrides } from '../trust/overrides.ts';
import { readRegistry } from '../trust/registry.ts';
import { readWhole } from './input.ts';

/** Largest document, in bytes; a registry is limited by its own reader as well. */
const MAX_DOCUMENT = 64 * 1024 * 1024;

const NAME_FILES = [
  { kind: 'free-mail', source: 'curated' },
  { kind: 'free-mail', source: 'email-providers' },
  { kind: 'disposable', source: 'disposable-email-domains' },
] as const;

/**
 * Read what is known about senders: the list that `--registry` names, or the local decisions with the list
 * that they name, and the open-signup domains that ship with the package.
 *
 * @param file  a registry document or a document of overrides; undefined when none was given
 * @param root  folder of the package
 * @throws AppError E_REGISTRY or E_INPUT (exit 65) when a document cannot be used
 */
export async function openKnowledge(file: string | undefined, root: string): Promise<Knowledge> {
  return (await openLists(file, root)).knowledge;
}

/** What is known about senders, and where the files lie that a list names: its logos. */
export type Lists = {
  readonly knowledge: Knowledge;
  /** Null where there is no list. */
  readonly folder: string | null;
};

/** {@link openKnowledge}, and the folder of the list. */
export async function openLists(file: string | undefined, root: string): Promise<Lists> {
  const nameFiles = readNameFiles(root);
  if (file === undefined) return { knowledge: knowledge({ nameFiles }), folder: null };
  const bytes = await readWhole(file, MAX_DOCUMENT);
  if (!isOverridesDocument(bytes)) {
    const registries = [readRegistry(bytes, file)];
    return { knowledge: knowledge({ nameFiles, registries }), folder: dirname(file) };
  }
  const { registry, overrides } = readOverrides(bytes, file);
  const beside = registry === null ? null : resolve(dirname(file), registry);
  const registries = beside === null ? [] : [readRegistry(await readWhole(beside, MAX_DOCUMENT), beside)];
  return {
    knowledge: knowledge({ nameFiles, registries, overrides, remarks: writableByAll(file) }),
    folder: beside === null ? null : dirname(beside),
  };
}

/** Whoever may write local decisions decides whom we trust. */
function writableByAll(file: string): readonly Reason[] {
  if (file === '-' || (statSync(file).mode & 0o002) === 0) return [];
  const text = `Everybody on this machine may write the local list '${file}'; "chmod o-w" ends that.`;
  return [{ code: 'local.world-writable', severity: 'warn', text, evidence: { source: 'local' } }];
}

function readNameFiles(root: string): readonly NameFile[] {
  return NAME_FILES.map((each) => ({
    ...each,
    bytes: readFileSync(join(root, 'data', 'open-signup', `${each.source}.txt`)),
  }));
}

import { hash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Certificate, readCertificates } from '../bimi/certificate.ts';
import { DerFault } from '../bimi/der.ts';
import { type FileCache, type KeptFile, senderFetcher } from '../bimi/fetching.ts';
import type { MarkWorld } from '../bimi/indicator.ts';
import type { Resolver } from '../dns/types.ts';
import { AppError, ExitCode } from '../errors.ts';
import { isPublicAddress } from '../net/https.ts';
import { privateFolder, readIfThere, replaceFile } from '../registry/files.ts';
import { cacheFolder } from './trust-store.ts';

const TIMES = { connectMs: 5_000, totalMs: 10_000 };
const MAX_KEPT_BYTES = 2 * 1024 * 1024;
const MAX_KEPT = 2000;
const FORMAT = 1;

/**
 * What marks are verified with.
 *
 * @param root  folder of the package
 * @throws AppError E_MARK_ROOTS (exit 64) when the authorities cannot be read
 */
export function openMarks(
  flags: { readonly 'mark-roots'?: string | undefined; readonly offline: boolean },
  { root, dns, signal }: { readonly root: string; readonly dns: Resolver; readonly signal: AbortSignal },
): MarkWorld {
  const file = flags['mark-roots'] ?? join(root, 'data', 'mark-roots.pem');
  const world = { dns, admits: isPublicAddress, offline: flags.offline, ...TIMES, signal };
  return { fetch: senderFetcher(world, fileCache(cacheFolder('bimi'))), roots: readRoots(file) };
}

function readRoots(file: string): readonly Certificate[] {
  try {
    // Remarks between the certificates name and date them.
    return readCertificates(readFileSync(file, 'latin1'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (!(error instanceof DerFault) && code === undefined) throw error;
    throw new AppError(`--mark-roots: '${file}' ${code ?? (error as Error).message}.`, {
      code: 'E_MARK_ROOTS',
      exit: ExitCode.usage,
      hint: 'It takes a file with certificates in PEM form, ten at most.',
      cause: error,
    });
  }
}

/** Copies in a folder that is ours alone, a file each under a digest of its URL. Losing them costs a fetch. */
function fileCache(folder: string): FileCache {
  const nameOf = (url: string) => join(folder, `${hash('sha256', url)}.json`);
  return {
    read(url) {
      try {
        const bytes = readIfThere(nameOf(url), MAX_KEPT_BYTES);
        return bytes === null ? null : readKept(bytes.toString('utf8'), url);
      } catch {
        return null;
      }
    },
    write(url, { etag, fetchedMs, bytes }) {
      try {
        privateFolder(folder);
        const kept = { format: FORMAT, url, etag, fetchedMs, body: bytes.toString('base64') };
        replaceFile(nameOf(url), JSON.stringify(kept));
        sweep(folder);
      } catch {
        // What cannot be kept is fetched again.
      }
    },
  };
}

function readKept(text: string, url: string): KeptFile | null {
  const kept = JSON.parse(text) as Record<string, unknown>;
  const { etag, fetchedMs, body } = kept;
  if (kept['format'] !== FORMAT || kept['url'] !== url) return null;
  if (typeof body !== 'string' || typeof fetchedMs !== 'number') return null;
  return { etag: typeof etag === 'string' ? etag : null, fetchedMs, bytes: Buffer.from(body, 'base64') };
}

/** The oldest go first. */
function sweep(folder: string): void {
  const names = readdirSync(folder);
  if (names.length <= MAX_KEPT) return;
  const dated = names.map((name) => ({ name, ms: statSync(join(folder, name)).mtimeMs }));
  for (const { name } of dated.sort((a, b) => a.ms - b.ms).slice(0, names.length - MAX_KEPT))
    rmSync(join(folder, name), { force: true });
}

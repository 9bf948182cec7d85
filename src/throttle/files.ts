import { constants, realpathSync, type Stats, statSync } from 'node:fs';
import { type FileHandle, open, readlink } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join, resolve, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { AppError, ExitCode } from '../errors.ts';

/** What browsers do something with, by the end of the name; anything else is bytes. */
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.htm': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.txt': 'text/plain; charset=utf-8',
  '.md': 'text/plain; charset=utf-8',
  '.xml': 'application/xml',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.gif': 'image/gif',
  '.webp': 'image/webp',
  '.avif': 'image/avif',
  '.ico': 'image/x-icon',
  '.woff': 'font/woff',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
  '.pdf': 'application/pdf',
  '.mp4': 'video/mp4',
  '.webm': 'video/webm',
  '.mp3': 'audio/mpeg',
};

const INDEX = 'index.html';

/** The one name with a dot that is meant for everybody (RFC 8615). */
const WELL_KNOWN = '.well-known';

/** Longest path that is looked at, in characters. */
const LONGEST_PATH = 2000;

/** A part of a file, both ends in it. */
type Range = { readonly start: number; readonly end: number };

/**
 * The folder whose files are given out, by its real name.
 *
 * @throws AppError E_ROOT (exit 64) when it is no folder
 */
export function parseRoot(path: string): string {
  try {
    const real = realpathSync(resolve(path));
    if (statSync(real).isDirectory()) return real;
  } catch {
    // Told below: it is no folder that can be used, whyever.
  }
  throw new AppError(`--root: '${path}' is no folder that can be read.`, {
    code: 'E_ROOT',
    exit: ExitCode.usage,
    hint: 'Name the folder with the files of the website.',
  });
}

/**
 * The names in the path of a request target.
 *
 * @returns null when there is one that nobody may ask for: a step upwards, a hidden file, a NUL, a slash in disguise
 */
export function pathSegments(target: string): readonly string[] | null {
  const path = target.split(/[?#]/, 1)[0] ?? '';
  if (path.length > LONGEST_PATH || !path.startsWith('/')) return null;
  try {
    const segments = path.slice(1).split('/').map(decodeURIComponent);
    const bad = (name: string) => /[\0/\\]/.test(name) || (name.startsWith('.') && name !== WELL_KNOWN);
    return segments.some(bad)
      ? null
      : segments.filter((name, at) => name !== '' || at === segments.length - 1);
  } catch {
    return null;
  }
}

/** Whether what the client has is what there is (RFC 9110 §13.1). */
function isUnchanged(request: IncomingMessage, etag: string, { mtimeMs }: Stats): boolean {
  const match = request.headers['if-none-match'];
  if (match !== undefined)
    return match.split(',').some((each) => each.trim() === '*' || each.trim().replace(/^W\//, '') === etag);
  const since = Date.parse(request.headers['if-modified-since'] ?? '');
  return Math.floor(mtimeMs / 1000) * 1000 <= since;
}

/**
 * The part that is asked for (RFC 9110 §14.2); null for the whole file, as for several parts, and `unsatisfiable`.
 *
 * @param size  of the file, in bytes
 */
export function rangeOf(field: string | undefined, size: number): Range | null | 'unsatisfiable' {
  const [, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(field ?? '') ?? [];
  if (first === '' && last === '') return null;
  if (first === '') {
    const start = Math.max(0, size - Number(last));
    return start < size && Number(last) > 0 ? { start, end: size - 1 } : 'unsatisfiable';
  }
  const [start, end] = [Number(first), last === '' ? size - 1 : Math.min(Number(last), size - 1)];
  if (last !== '' && Number(last) < start) return null;
  return start < size ? { start, end } : 'unsatisfiable';
}

function say(response: ServerResponse, status: number, more: Readonly<Record<string, string>> = {}): void {
  const text = { 301: 'Moved.\n', 404: 'Not found.\n', 405: 'Files can only be read.\n' }[status] ?? '';
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': text.length,
    'x-content-type-options': 'nosniff',
    ...more,
  });
  response.end(response.req.method === 'HEAD' ? undefined : text);
}

type Found = { readonly file: FileHandle; readonly stats: Stats };

/**
 * Open what has a name below the root. A link may lead anywhere below the root and nowhere else; where the open file
 * really lies is looked at after it was opened, so nothing can be exchanged in between.
 *
 * @returns null when there is none
 */
async function openBelow(root: string, segments: readonly string[]): Promise<Found | null> {
  let file: FileHandle | undefined;
  try {
    // A named pipe would keep us waiting for whoever writes to it.
    file = await open(join(root, ...segments), constants.O_RDONLY | constants.O_NONBLOCK);
    const [real, stats] = [await readlink(`/proc/self/fd/${file.fd}`), await file.stat()];
    const isBelow = real === root || real.startsWith(root === sep ? sep : root + sep);
    const isHidden = real
      .slice(root.length)
      .split(sep)
      .some((name) => name.startsWith('.') && name !== WELL_KNOWN);
    if (isBelow && !isHidden && (stats.isFile() || stats.isDirectory())) return { file, stats };
  } catch {
    // No such file, or none that we may read: for the client that is the same.
  }
  await file?.close();
  return null;
}

async function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  name: string,
  { file, stats }: Found,
) {
  const etag = `"${stats.size.toString(36)}-${Math.round(stats.mtimeMs).toString(36)}"`;
  const common = {
    etag,
    'last-modified': stats.mtime.toUTCString(),
    'accept-ranges': 'bytes',
    'x-content-type-options': 'nosniff',
  };
  if (isUnchanged(request, etag, stats)) return response.writeHead(304, common).end();
  const ifRange = request.headers['if-range'];
  const range = ifRange === undefined || ifRange === etag ? rangeOf(request.headers.range, stats.size) : null;
  if (range === 'unsatisfiable')
    return say(response, 416, { ...common, 'content-range': `bytes */${stats.size}` });
  const { start, end } = range ?? { start: 0, end: stats.size - 1 };
  response.writeHead(range ? 206 : 200, {
    ...common,
    'content-type': TYPES[extname(name).toLowerCase()] ?? 'application/octet-stream',
    'content-length': end - start + 1,
    ...(range && { 'content-range': `bytes ${start}-${end}/${stats.size}` }),
  });
  if (request.method === 'HEAD' || stats.size === 0) return response.end();
  return pipeline(file.createReadStream({ start, end, autoClose: false }), response);
}

/**
 * Answers requests with the files of a folder, for GET and HEAD, with conditions and single ranges. Hidden files are
 * never given out, and neither is anything that lies elsewhere, whatever links lead to it.
 */
export function createFileServer(root: string, onError: (error: unknown) => void) {
  const serve = async (request: IncomingMessage, response: ServerResponse, target: string) => {
    request.resume();
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return say(response, 405, { allow: 'GET, HEAD' });
    const segments = pathSegments(target);
    if (segments === null) return say(response, 404);
    const isFolder = segments.at(-1) === '';
    const names = isFolder ? [...segments.slice(0, -1), INDEX] : segments;
    const found = await openBelow(root, names);
    if (found === null) return say(response, 404);
    try {
      if (!found.stats.isDirectory()) return await sendFile(request, response, names.at(-1) ?? '', found);
      if (isFolder) return say(response, 404);
      // Segments have no empty names, so this is a path here and never a host.
      return say(response, 301, { location: `/${segments.map(encodeURIComponent).join('/')}/` });
    } finally {
      await found.file.close();
    }
  };
  return (request: IncomingMessage, response: ServerResponse, target: string): void => {
    serve(request, response, target).catch((error: NodeJS.ErrnoException) => {
      // Whoever goes away in the middle is no error of ours.
      if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE' && error.code !== 'ECONNRESET') onError(error);
      response.destroy();
    });
  };
}

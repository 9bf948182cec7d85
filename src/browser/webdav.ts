import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { Parser } from 'htmlparser2';
import { AppError, ExitCode } from '../errors.ts';

/** A folder on a WebDAV server (RFC 4918). */
export type Dav = {
  readonly url: URL;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly ca: string | undefined;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
};

/** Largest answer that is taken, in bytes. */
const MAX_BYTES = 256_000_000;

type Answer = { readonly status: number; readonly body: Buffer };

function failed(message: string, hint: string, cause?: unknown): AppError {
  return new AppError(message, { code: 'E_WEBDAV', exit: ExitCode.unavailable, hint, cause });
}

/**
 * The address of a folder for backups.
 *
 * @throws {AppError} E_URL, exit 64, for http: to another machine, or a password in the address
 */
export function davUrl(text: string): URL {
  const url = URL.parse(text.endsWith('/') ? text : `${text}/`);
  const refuse = (message: string, hint: string) =>
    new AppError(message, { code: 'E_URL', exit: ExitCode.usage, hint });
  if (!url || !/^https?:$/.test(url.protocol))
    throw refuse('That is no address of a WebDAV folder.', 'It begins with https://.');
  if (url.username !== '' || url.password !== '')
    throw refuse(
      'A password does not belong into an address.',
      'Give the name with --user and a file with --password-file.',
    );
  const isHere = /^(?:127\.\d+\.\d+\.\d+|\[::1\]|localhost)$/.test(url.hostname);
  if (url.protocol === 'http:' && !isHere)
    throw refuse('http: is not encrypted.', 'Use https:; only on this machine http: will do.');
  return url;
}

function ask(
  dav: Dav,
  method: string,
  url: URL,
  headers: Record<string, string>,
  body?: Uint8Array,
): Promise<Answer> {
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const { user, password, ca, timeoutMs } = dav;
  const signal = AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(dav.signal ? [dav.signal] : [])]);
  const auth = user === undefined ? {} : { auth: `${user}:${password ?? ''}` };
  return new Promise((resolve, reject) => {
    const asked = send(
      url,
      { method, headers, signal, ...auth, ...(ca !== undefined && { ca }) },
      (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > MAX_BYTES) response.destroy(new Error('the answer is too long'));
          else chunks.push(chunk);
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }));
        response.on('error', reject);
      },
    );
    asked.on('error', reject);
    asked.end(body);
  }).catch((cause) => {
    dav.signal?.throwIfAborted();
    throw failed(
      `${url.host} does not answer: ${(cause as Error).message}.`,
      'Is the address right, and the server up?',
      cause,
    );
  }) as Promise<Answer>;
}

function requireStatus({ status }: Answer, allowed: readonly number[], what: string): void {
  if (allowed.includes(status)) return;
  const hint =
    status === 401 || status === 403
      ? 'Give the name with --user and a file with --password-file.'
      : 'The folder has to be there, and to allow PUT, MOVE and PROPFIND.';
  throw failed(`The server answered ${status} when ${what}.`, hint);
}

const at = ({ url }: Dav, name: string) => new URL(encodeURIComponent(name), url);

/** The whole of a file. */
export async function getFile(dav: Dav, name: string): Promise<Buffer> {
  const answer = await ask(dav, 'GET', at(dav, name), {});
  requireStatus(answer, [200], `'${name}' was read`);
  return answer.body;
}

export async function deleteFile(dav: Dav, name: string): Promise<void> {
  requireStatus(await ask(dav, 'DELETE', at(dav, name), {}), [200, 204, 404], `'${name}' was deleted`);
}

/**
 * Write a file that nobody sees in parts: under another name first, read back and compared, then moved to its name.
 * What is there already is never replaced.
 *
 * @throws {AppError} E_WEBDAV, exit 69; E_NOT_KEPT, exit 73, when the server gives back something else
 */
export async function putFile(dav: Dav, name: string, bytes: Uint8Array): Promise<void> {
  const temporary = `.${name}.part`;
  const headers = {
    'if-none-match': '*',
    'content-type': 'application/octet-stream',
    'content-length': `${bytes.length}`,
  };
  requireStatus(
    await ask(dav, 'PUT', at(dav, temporary), headers, bytes),
    [200, 201, 204],
    'a file was written',
  );
  try {
    requireSame(await getFile(dav, temporary), bytes);
    const moved = await ask(dav, 'MOVE', at(dav, temporary), {
      destination: at(dav, name).href,
      overwrite: 'F',
    });
    requireStatus(moved, [201, 204], 'a file was moved to its name');
  } catch (error) {
    await deleteFile(dav, temporary).catch(() => undefined);
    throw error;
  }
  requireSame(await getFile(dav, name), bytes);
}

function requireSame(got: Buffer, bytes: Uint8Array): void {
  if (got.equals(bytes)) return;
  throw new AppError('The server gave back something else than was written.', {
    code: 'E_NOT_KEPT',
    exit: ExitCode.cannotWrite,
    hint: 'Nothing there is to be trusted: choose another server.',
  });
}

const PROPFIND =
  '<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop><getcontentlength/></prop></propfind>';

/** A file of the folder. */
export type DavFile = { readonly name: string; readonly lengthBytes: number };

/** Files in a multistatus answer (RFC 4918 §13), by whatever prefix its elements have. */
export function filesIn(xml: string): readonly DavFile[] {
  const files: { name: string; lengthBytes: number }[] = [];
  let text = '';
  const parser = new Parser(
    {
      onopentag: () => {
        text = '';
      },
      ontext: (part) => {
        if (text.length < 10_000) text += part;
      },
      onclosetag: (tag) => {
        const element = tag.replace(/^.*:/, '').toLowerCase();
        if (element === 'href') files.push({ name: nameOf(text.trim()), lengthBytes: 0 });
        const last = files.at(-1);
        if (element === 'getcontentlength' && last) last.lengthBytes = Number(text.trim()) || 0;
      },
    },
    { xmlMode: true },
  );
  parser.end(xml);
  return files.filter(({ name }) => name !== '');
}

/** The last part of an address; empty for a folder. */
function nameOf(href: string): string {
  try {
    return decodeURIComponent(href.split('/').at(-1) ?? '');
  } catch {
    return '';
  }
}

/** What lies in the folder. */
export async function listFiles(dav: Dav): Promise<readonly DavFile[]> {
  const headers = { depth: '1', 'content-type': 'application/xml', 'content-length': `${PROPFIND.length}` };
  const answer = await ask(dav, 'PROPFIND', dav.url, headers, Buffer.from(PROPFIND));
  requireStatus(answer, [207], 'the folder was listed');
  return filesIn(answer.body.toString('utf8'));
}

import { gunzipSync } from 'node:zlib';
import type { Entry, ZipFile } from 'yauzl';
import { AppError, ExitCode } from '../errors.ts';

/** One report, as its text. */
export type ReportDocument = {
  /** The file, and what it lay in: `mail.eml: report.xml.gz`. */
  readonly name: string;
  readonly text: string;
};

/** What an attacker can make us hold: a report is a few kilobytes, the largest real ones some megabytes. */
export const DOCUMENT_LIMITS = { bytes: 64_000_000, perFile: 200, depth: 4 } as const;

function refuse(name: string, why: string): AppError {
  return new AppError(`'${name}': ${why}.`, {
    code: 'E_REPORT',
    exit: ExitCode.input,
    hint: 'Reports come as XML or JSON, compressed with gzip or zip, or attached to a mail; each of these is taken.',
  });
}

/** What is left of the bytes that one file may unpack to, all layers together. */
type Budget = { bytes: number; documents: number };

function spend(budget: Budget, bytes: number, name: string): void {
  budget.bytes -= bytes;
  budget.documents -= 1;
  if (budget.bytes < 0) throw refuse(name, `it unpacks to more than ${DOCUMENT_LIMITS.bytes / 1_000_000} MB`);
  if (budget.documents < 0) throw refuse(name, `it holds more than ${DOCUMENT_LIMITS.perFile} files`);
}

function gunzip(bytes: Uint8Array, budget: Budget, name: string): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: Math.max(1, budget.bytes) });
  } catch (cause) {
    const tooLarge = (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    throw refuse(
      name,
      tooLarge
        ? `it unpacks to more than ${DOCUMENT_LIMITS.bytes / 1_000_000} MB`
        : 'it begins like a gzip file and is none',
    );
  }
}

function openZip(bytes: Uint8Array): Promise<ZipFile> {
  return import('yauzl').then(
    ({ fromBuffer }) =>
      new Promise((resolve, reject) => {
        // The library compares what comes out with the size that was promised, so a bomb stops early.
        fromBuffer(Buffer.from(bytes), { lazyEntries: true, validateEntrySizes: true }, (error, zip) =>
          error ? reject(error) : resolve(zip),
        );
      }),
  );
}

function readEntry(zip: ZipFile, entry: Entry): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    zip.openReadStream(entry, (error, stream) => {
      if (error) return reject(error);
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => resolve(Buffer.concat(chunks)));
      stream.on('error', reject);
    });
  });
}

async function unzip(bytes: Uint8Array, budget: Budget, name: string): Promise<[string, Buffer][]> {
  const found: [string, Buffer][] = [];
  try {
    const zip = await openZip(bytes);
    await new Promise<void>((resolve, reject) => {
      zip.on('error', reject);
      zip.on('end', resolve);
      zip.on('entry', (entry: Entry) => {
        const next = async () => {
          if (!entry.fileName.endsWith('/')) {
            spend(budget, entry.uncompressedSize, name);
            found.push([entry.fileName, await readEntry(zip, entry)]);
          }
          zip.readEntry();
        };
        next().catch(reject);
      });
      zip.readEntry();
    });
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw refuse(name, 'it begins like a zip file and cannot be unpacked');
  }
  return found;
}

async function attachments(bytes: Uint8Array, budget: Budget, name: string): Promise<[string, Buffer][]> {
  const { default: PostalMime } = await import('postal-mime');
  const mail = await PostalMime.parse(bytes, { maxNestingDepth: 20, maxHeadersSize: 1024 * 1024 }).catch(
    () => undefined,
  );
  return (mail?.attachments ?? []).map(({ filename, content }, index) => {
    const part = Buffer.from(content as ArrayBuffer);
    spend(budget, part.length, name);
    return [filename ?? `attachment ${index + 1}`, part];
  });
}

const decoder = new TextDecoder('utf-8');

/** XML or JSON, by its first sign; a byte order mark may stand in front. */
function isText(bytes: Uint8Array): boolean {
  const start = decoder.decode(bytes.subarray(0, 64)).trimStart();
  return start.startsWith('<') || start.startsWith('{');
}

async function layersOf(bytes: Uint8Array, budget: Budget, name: string): Promise<[string, Buffer][]> {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    const inside = gunzip(bytes, budget, name);
    spend(budget, inside.length, name);
    return [['', inside]];
  }
  if (bytes[0] === 0x50 && bytes[1] === 0x4b) return unzip(bytes, budget, name);
  return attachments(bytes, budget, name);
}

async function collect(
  name: string,
  bytes: Uint8Array,
  budget: Budget,
  depth: number,
): Promise<ReportDocument[]> {
  if (isText(bytes)) return [{ name, text: decoder.decode(bytes) }];
  if (depth === DOCUMENT_LIMITS.depth) return [];
  const documents: ReportDocument[] = [];
  for (const [inner, content] of await layersOf(bytes, budget, name))
    documents.push(...(await collect(inner === '' ? name : `${name}: ${inner}`, content, budget, depth + 1)));
  return documents;
}

/**
 * The reports in a file: XML or JSON as it is, in gzip (RFC 1952), in zip, or attached to a mail, or any of these
 * in another. What else is in a zip or a mail is passed over.
 *
 * @throws AppError E_REPORT (exit 65) when nothing is in it, or too much
 */
export async function openReports(name: string, bytes: Uint8Array): Promise<ReportDocument[]> {
  const budget = { bytes: DOCUMENT_LIMITS.bytes, documents: DOCUMENT_LIMITS.perFile };
  const documents = await collect(name, bytes, budget, 0);
  if (documents.length === 0) throw refuse(name, 'there is no report in it');
  return documents;
}

import { AppError, ExitCode } from '../errors.ts';
import { MAX_RDAP_BYTES, type Registration, rdapUrl, readRdap } from '../mediator/rdap.ts';
import { fetchHttps, HttpsFault, type HttpsWorld } from '../net/https.ts';
import { DocumentFault } from '../trust/json.ts';
import { organizationalDomain } from '../trust/organization.ts';
import { readWhole } from './input.ts';

/** Tells until when a domain is registered. */
export type Registrations = (domain: string) => Promise<Registration>;

const ACCEPT = 'application/rdap+json, application/json;q=0.5';

/**
 * Registries as `--rdap` names them: files with answers of theirs or with the list of all of them (RFC 9224), and URLs of
 * one, or of that list (`…/dns.json`).
 *
 * @throws AppError E_INPUT (exit 65) when a file is none of that
 */
export async function openRegistrations(
  sources: readonly string[],
  world: HttpsWorld,
): Promise<Registrations> {
  const known = new Map<string, Registration>();
  const servers = new Map<string, URL>();
  const fallback: URL[] = [];
  for (const source of sources) {
    const url = /^https:\/\//i.test(source) && URL.canParse(source) ? new URL(source) : null;
    if (url !== null && !url.pathname.endsWith('/dns.json')) {
      fallback.push(url);
      continue;
    }
    const read = url === null ? await readFromFile(source) : await fetchList(url, world);
    if (read.kind === 'domain') known.set(read.domain, read.registration);
    else for (const [name, server] of read.servers) servers.set(name, server);
  }
  const asked = new Map<string, Promise<Registration>>();
  return async (domain) => {
    const name = organizationalDomain(domain);
    const given = known.get(name);
    const server = servers.get(name.slice(name.lastIndexOf('.') + 1)) ?? fallback[0];
    if (given !== undefined || server === undefined) return given ?? { kind: 'unasked' };
    const answer = asked.get(name) ?? ask(rdapUrl(server, name), name, world);
    asked.set(name, answer);
    return await answer;
  };
}

async function readFromFile(file: string) {
  return read(await readWhole(file, MAX_RDAP_BYTES), file);
}

async function fetchList(url: URL, world: HttpsWorld) {
  try {
    const answer = await fetchHttps(url, { accept: ACCEPT, maxBytes: MAX_RDAP_BYTES, redirects: 2 }, world);
    return read(answer.kind === 'found' ? answer.bytes : Buffer.alloc(0), url.href);
  } catch (error) {
    if (!(error instanceof HttpsFault)) throw error;
    throw new AppError(`The list of registries cannot be had: ${error.message}`, {
      code: 'E_SOURCE',
      exit: ExitCode.unavailable,
      hint: 'Save it to a file, and name that with --rdap.',
      cause: error,
    });
  }
}

function read(bytes: Uint8Array, name: string) {
  try {
    return readRdap(bytes);
  } catch (error) {
    if (!(error instanceof DocumentFault)) throw error;
    throw new AppError(`'${name}' is no RDAP document: ${error.message}.`, {
      code: 'E_INPUT',
      exit: ExitCode.input,
      hint: 'Give the answer of a registry about a domain (RFC 9083), or the list of registries (RFC 9224).',
      cause: error,
    });
  }
}

async function ask(url: URL, domain: string, world: HttpsWorld): Promise<Registration> {
  try {
    // Registries send on to the registrar that knows.
    const answer = await fetchHttps(url, { accept: ACCEPT, maxBytes: MAX_RDAP_BYTES, redirects: 3 }, world);
    if (answer.kind !== 'found') return { kind: 'absent' };
    const said = readRdap(answer.bytes);
    if (said.kind === 'domain' && said.domain === domain) return said.registration;
    return { kind: 'unknown', reason: `${url.host} answers about something else.` };
  } catch (error) {
    if (error instanceof HttpsFault) return { kind: 'unknown', reason: error.message };
    if (error instanceof DocumentFault)
      return { kind: 'unknown', reason: `The answer of ${url.host} cannot be read: ${error.message}.` };
    throw error;
  }
}

// A signed list of a million domains as a reader has it: fetched and verified by `trust sync`'s own code, opened by a
// second process, looked up in, and the memory of that process.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { canonicalJson } from '../src/registry/canonical.ts';
import {
  instant,
  listPayload,
  pointerPayload,
  type Role,
  rootPayload,
  TYPES,
} from '../src/registry/documents.ts';
import { signEnvelope, writeEnvelope } from '../src/registry/envelope.ts';
import { makeSigningKey, publicHalf, sha256 } from '../src/registry/keys.ts';
import { openTrustStore, type TrustStore } from '../src/registry/store.ts';
import { syncMediator } from '../src/registry/sync.ts';
import { firstHolding } from '../src/registry/update.ts';
import { matches } from '../src/trust/registry.ts';

const DOMAINS = 1_000_000;
/** Of one company: with fewer a list of a million domains would be larger than 64 MiB. */
const EACH = 200;
const LOOKUPS = 300_000;
const MEDIATOR = 'mediator.example';
const DAY_MS = 86_400_000;

function nameOf(number: number): string {
  return `d${number.toString(36).padStart(5, '0')}.example`;
}

function entry(number: number, nowMs: number) {
  const domains = Array.from({ length: EACH }, (_, index) => ({ domain: nameOf(number * EACH + index) }));
  return {
    id: `e${number}`,
    organization: { name: `Company ${number.toString(36)}` },
    domains,
    mailTypes: ['all'],
    vetting: {
      level: 'organization',
      checkedAt: instant(nowMs),
      checkedBy: ['A', 'B'],
      singleCompany: true,
      openSignup: false,
      nextReview: instant(nowMs + 300 * DAY_MS),
    },
    status: 'active',
    validFrom: instant(nowMs),
    validUntil: instant(nowMs + 300 * DAY_MS),
  };
}

/** What a mediator publishes, by name. */
function publish(nowMs: number): ReadonlyMap<string, Buffer> {
  const key = makeSigningKey();
  const keys = { threshold: 1, keys: [publicHalf(key)] };
  const seal = (role: Role, payload: Buffer) =>
    writeEnvelope(signEnvelope({ type: TYPES[role], payload, signatures: [] }, key));
  const head = { mediator: MEDIATOR, version: 1, issuedMs: nowMs - 1000, expiresMs: nowMs + DAY_MS };
  const entries = Array.from({ length: DOMAINS / EACH }, (_, number) => entry(number, nowMs));
  const times = { version: 1, issued: instant(head.issuedMs), expires: instant(head.expiresMs) };
  const mediator = { id: MEDIATOR, name: 'Mediator' };
  const document = Buffer.from(canonicalJson({ format: 'trusted-domains/1', mediator, ...times, entries }));
  const digest = { sha256: sha256(document), lengthBytes: document.length };
  const list = seal('list', listPayload({ ...head, document: digest, openSignup: null, journal: null }));
  const current = { version: 1, sha256: sha256(list), lengthBytes: list.length };
  const roles = { root: keys, list: keys, pointer: keys };
  return new Map([
    ['1.root.json', seal('root', rootPayload({ ...head, name: mediator.name, roles }))],
    ['1.list.json', list],
    ['pointer.json', seal('pointer', pointerPayload({ ...head, rootVersion: 1, list: current }))],
    [`lists/${digest.sha256}.json`, document],
  ]);
}

function storeIn(folder: string): TrustStore {
  return openTrustStore({ state: join(folder, 'state'), cache: join(folder, 'cache') }, (_, work) => work());
}

function timed<T>(work: () => T): [T, number] {
  const startedMs = performance.now();
  return [work(), performance.now() - startedMs];
}

/** The second process: what every command does that judges a sender. */
function read(folder: string): void {
  const open = () => {
    const store = storeIn(folder);
    const kept = store.read(MEDIATOR);
    const list = kept && store.list(kept);
    if (!list) throw new Error('no list');
    return list;
  };
  const opens = Array.from({ length: 7 }, () => {
    const before = process.cpuUsage();
    const [, ms] = timed(open);
    const { user, system } = process.cpuUsage(before);
    return { ms, cpuMs: (user + system) / 1000 };
  });
  const middle = (of: (each: (typeof opens)[number]) => number) =>
    (opens.map(of).sort((a, b) => a - b)[3] ?? 0).toFixed(0);
  const list = open();
  const openedMb = process.memoryUsage().rss / 1e6;
  const measure = (prefix: string, found: number) =>
    Array.from({ length: LOOKUPS }, (_, each) => {
      const [matched, ms] = timed(() => matches(list, prefix + nameOf((each * 7919) % DOMAINS)));
      if (matched.length !== found) throw new Error(`${matched.length} found in place of ${found}`);
      return ms * 1000;
    }).sort((a, b) => a - b);
  const misses = measure('x', 0);
  const first = timed(() => matches(list, nameOf(123)))[1];
  const hits = measure('', 1);
  const at = (times: readonly number[], part: number) =>
    (times[Math.floor(times.length * part)] ?? 0).toFixed(2);
  const [wall, cpu] = [middle(({ ms }) => ms), middle(({ cpuMs }) => cpuMs)];
  console.log(`open and verify ${wall} ms, ${cpu} ms of processor time (medians of ${opens.length})`);
  console.log(
    `a domain of the list ${at(hits, 0.5)} µs (median of ${LOOKUPS}), ${at(hits, 0.9)} µs (90th of 100)`,
  );
  console.log(`a domain that is not on it ${at(misses, 0.5)} µs, ${at(misses, 0.9)} µs`);
  console.log(`the first domain of an entry of ${EACH} ${(first * 1000).toFixed(0)} µs`);
  console.log(
    `memory ${openedMb.toFixed(0)} MB opened, ${(process.memoryUsage().rss / 1e6).toFixed(0)} MB with every entry read`,
  );
}

async function sync(folder: string): Promise<void> {
  const nowMs = Math.floor(Date.now() / 1000) * 1000;
  const files = publish(nowMs);
  const root = files.get('1.root.json') ?? Buffer.alloc(0);
  const kept = { holding: firstHolding(root), source: '/nowhere', syncedMs: null, index: null };
  const source = { read: async (name: string) => files.get(name) ?? null };
  const startedMs = performance.now();
  const { status, summary, domains } = await syncMediator(kept, storeIn(folder), source, nowMs);
  if (status !== 'ok' || domains !== DOMAINS) throw new Error(summary);
  const bytes = [...files.values()].reduce((sum, each) => sum + each.length, 0);
  console.log(`list ${(bytes / 1e6).toFixed(1)} MB, ${domains} domains`);
  console.log(
    `sync, verified and indexed ${((performance.now() - startedMs) / 1000).toFixed(1)} s, ${(process.memoryUsage().rss / 1e6).toFixed(0)} MB`,
  );
}

const folder = process.argv[2];
if (folder !== undefined) read(folder);
else {
  const made = mkdtempSync(join(tmpdir(), 'postern-bench-'));
  try {
    await sync(made);
    execFileSync(process.execPath, [fileURLToPath(import.meta.url), made], { stdio: 'inherit' });
  } finally {
    rmSync(made, { recursive: true });
  }
}

// A list of a million domains: how long it takes to make the index, to open the list by it, and to look one up.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canonicalJson } from '../src/registry/canonical.ts';
import { buildIndex, openIndex } from '../src/registry/index-file.ts';
import { sha256 } from '../src/registry/keys.ts';
import { matches } from '../src/trust/registry.ts';

const DOMAINS = 1_000_000;
/** Of one company: with fewer a list of a million domains would be larger than 64 MiB. */
const EACH = 200;
const LOOKUPS = 300_000;

function nameOf(number: number): string {
  return `d${number.toString(36).padStart(5, '0')}.example`;
}

function entry(number: number) {
  const domains = Array.from({ length: EACH }, (_, index) => ({ domain: nameOf(number * EACH + index) }));
  const day = (text: string) => `2026-${text}T00:00:00Z`;
  return {
    id: `e${number}`,
    organization: { name: `Company ${number.toString(36)}` },
    domains,
    mailTypes: ['all'],
    vetting: {
      level: 'organization',
      checkedAt: day('06-01'),
      checkedBy: ['A', 'B'],
      singleCompany: true,
      openSignup: false,
      nextReview: day('12-01'),
    },
    status: 'active',
    validFrom: day('06-01'),
    validUntil: day('12-01'),
  };
}

const document = Buffer.from(
  canonicalJson({
    format: 'trusted-domains/1',
    mediator: { id: 'mediator.example', name: 'Mediator' },
    version: 1,
    issued: '2026-11-24T00:00:00Z',
    expires: '2026-12-24T00:00:00Z',
    entries: Array.from({ length: DOMAINS / EACH }, (_, number) => entry(number)),
  }),
);
const folder = mkdtempSync(join(tmpdir(), 'postern-bench-'));
const timed = <T>(work: () => T): [T, number] => {
  const startedMs = performance.now();
  return [work(), performance.now() - startedMs];
};

try {
  const [index, buildMs] = timed(() => buildIndex(document));
  writeFileSync(join(folder, 'list'), document);
  writeFileSync(join(folder, 'index'), index);
  const digests = [sha256(document), sha256(index)];
  const opens = Array.from({ length: 7 }, () =>
    timed(() => {
      const [list, numbers] = [readFileSync(join(folder, 'list')), readFileSync(join(folder, 'index'))];
      if (sha256(list) !== digests[0] || sha256(numbers) !== digests[1])
        throw new Error('not what was written');
      return openIndex(list, numbers, 'mediator.example');
    }),
  );
  const opened = opens[0]?.[0];
  if (!opened) throw new Error('no index');
  const times = Array.from({ length: LOOKUPS }, (_, each) => {
    // Every other one is on the list.
    const number = (each * 7919) % DOMAINS;
    const name = each % 2 === 0 ? nameOf(number) : `x${nameOf(number)}`;
    const [found, ms] = timed(() => matches(opened, name));
    if (found.length !== (each % 2 === 0 ? 1 : 0)) throw new Error(`${name} was found ${found.length} times`);
    return ms;
  }).sort((a, b) => a - b);
  const openMs = opens.map(([, ms]) => ms).sort((a, b) => a - b)[3] ?? 0;
  const at = (part: number) => ((times[Math.floor(times.length * part)] ?? 0) * 1000).toFixed(2);
  console.log(
    `list ${(document.length / 1e6).toFixed(1)} MB, index ${(index.length / 1e6).toFixed(1)} MB, ${DOMAINS} domains`,
  );
  console.log(`make the index ${(buildMs / 1000).toFixed(1)} s`);
  console.log(`open and verify ${openMs.toFixed(0)} ms (median of ${opens.length})`);
  console.log(`look one up ${at(0.5)} µs (median of ${LOOKUPS}), ${at(0.99)} µs (99th of 100)`);
  console.log(`memory ${(process.memoryUsage().rss / 1e6).toFixed(0)} MB`);
} finally {
  rmSync(folder, { recursive: true });
}

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Namespace } from './namespace.ts';

/** Zones by name: lines of a zone file without SOA and NS. `insecure.test` is not signed; `bogus.test` has a wrong anchor. */
export type Zones = Readonly<Record<string, readonly string[]>>;

export type SignedZonesOptions = {
  /** Where configuration and keys go. */
  readonly folder: string;
  /** Address of the authoritative server, port 53. */
  readonly authoritative: string;
  /** Address of the validating resolver, port 53. */
  readonly resolver: string;
};

const HEAD = '$TTL 300\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 127.0.53.1\n';

/** Zones without signatures. */
const UNSIGNED = ['insecure.test'];

function knotConf(zones: Zones, { folder, authoritative }: SignedZonesOptions): string {
  const listed = Object.entries(zones).map(([name, lines]) => {
    const file = join(folder, `${name}.zone`);
    writeFileSync(file, `${HEAD}${lines.join('\n')}\n`);
    return `  - domain: ${name}
    file: ${file}
    dnssec-signing: ${UNSIGNED.includes(name) ? 'off' : 'on'}
    dnssec-policy: lab
    zonefile-sync: -1
    zonefile-load: difference
    journal-content: all
`;
  });
  return `server:
  listen: ${authoritative}@53
  rundir: ${folder}
database:
  storage: ${folder}
policy:
  - id: lab
    algorithm: ecdsap256sha256
    single-type-signing: on
zone:
${listed.join('')}`;
}

function unboundConf(zones: Zones, { folder, authoritative, resolver }: SignedZonesOptions): string {
  const stubs = Object.keys(zones).map(
    (name) => `stub-zone:\n  name: "${name}."\n  stub-addr: ${authoritative}\n`,
  );
  return `server:
  interface: ${resolver}
  username: ""
  chroot: ""
  directory: "${folder}"
  pidfile: ""
  use-syslog: no
  do-not-query-localhost: no
  do-ip6: no
  ede: yes
  module-config: "validator iterator"
  local-zone: "test." nodefault
  trust-anchor-file: "${join(folder, 'anchor.key')}"
  trust-anchor: "bogus.test. DS 12345 13 2 ${'cd'.repeat(32)}"
  domain-insecure: "insecure.test."
remote-control:
  control-enable: no
${stubs.join('')}`;
}

/** Ask with kdig until the answer has a line that fits. */
async function untilAnswered(
  namespace: Namespace,
  question: readonly string[],
  wanted: RegExp,
  log: () => string,
): Promise<string[]> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const { stdout } = await namespace.run(['kdig', ...question, '+noall', '+answer', '+time=1', '+retry=0']);
    const lines = stdout.split('\n').filter((line) => wanted.test(line));
    if (lines.length > 0) return lines;
    await sleep(50);
  }
  throw new Error(`no answer to ${question.join(' ')}\n${log()}`);
}

/**
 * Start Knot, which signs the zones, and before it Unbound, which validates what Knot says. `lab.test` has to be
 * among the zones: its key is the anchor.
 */
export async function startSignedZones(
  namespace: Namespace,
  zones: Zones,
  options: SignedZonesOptions,
): Promise<void> {
  const { folder, authoritative, resolver } = options;
  const write = (file: string, text: string) => {
    writeFileSync(join(folder, file), text);
    return join(folder, file);
  };
  const knot = namespace.start(['knotd', '-c', write('knot.conf', knotConf(zones, options))]);
  const keys = await untilAnswered(
    namespace,
    [`@${authoritative}`, 'lab.test', 'DNSKEY'],
    /DNSKEY/,
    knot.log,
  );
  write('anchor.key', `${keys.join('\n')}\n`);
  const unbound = namespace.start([
    'unbound',
    '-d',
    '-c',
    write('unbound.conf', unboundConf(zones, options)),
  ]);
  await untilAnswered(namespace, [`@${resolver}`, 'lab.test', 'SOA'], /SOA/, unbound.log);
}

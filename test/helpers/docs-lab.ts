import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TlsaRecord } from '../../src/dns/types.ts';
import { CATALOGUE } from '../../src/dnsbl/catalogue.ts';
import { createAuthority } from '../../src/lab/certificates.ts';
import { type LabZone, startDnsServer } from '../../src/lab/dns-server.ts';
import { findSharedPort, startMailServer } from '../../src/lab/mail-server.ts';
import { root } from './run.ts';

/** The domains that the documentation speaks of, each with a good server; that of example.net has DANE. */
const DOMAINS = ['example.org', 'example.net', 'example.com'];

/** A folder that the documentation is tried in, and the world around it. */
export type DocsLab = {
  /** A folder with the files that the documentation names. */
  folder(): string;
  /** What makes `postern` find the laboratory, and be found. */
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
};

function addressOf(index: number): string {
  return `127.1.90.${index + 1}`;
}

/** `postern` as a user has it; the laboratory is on loopback, which no variable can allow. */
const WRAPPER = `#!/bin/sh
case "$*" in
  "mx probe"*|"mx policy"*|"mx tlsa check"*|send*) exec "$NODE" "$ROOT/bin/run.js" "$@" --allow-private ;;
  *) exec "$NODE" "$ROOT/bin/run.js" "$@" ;;
esac
`;

function zone(tlsa: TlsaRecord): LabZone {
  const mail = DOMAINS.flatMap((domain, index) => [
    [domain, { MX: [{ preference: 10, exchange: `mx.${domain}` }], TXT: [['v=spf1 mx -all']] }],
    [`mx.${domain}`, { A: [addressOf(index)] }],
    [`_dmarc.${domain}`, { TXT: [['v=DMARC1; p=reject']] }],
  ]);
  // RFC 5782 §5: what is always on a list.
  const lists = CATALOGUE.filter(({ takes }) => takes.includes('ipv4')).map(({ zone: list, codes }) => [
    `2.0.0.127.${list}`,
    { A: [codes.kind === 'dnswl' ? '127.0.10.0' : '127.0.0.2'] },
  ]);
  const all: LabZone = Object.fromEntries([...mail, ...lists]);
  return {
    ...all,
    'example.net': { ...all['example.net'], secure: true },
    '_25._tcp.mx.example.net': { TLSA: [tlsa] },
  };
}

/** Start what the documentation needs: name server, mail servers, files. */
export async function startDocsLab(): Promise<DocsLab> {
  const port = await findSharedPort(DOMAINS.map((_, index) => addressOf(index)));
  const authority = await createAuthority('Authority of the documentation', Date.now());
  const certificates = await Promise.all(
    DOMAINS.map((domain) => authority.issue({ names: [`mx.${domain}`] })),
  );
  const servers = await Promise.all(
    certificates.map((certificate, index) =>
      startMailServer({
        hostname: `mx.${DOMAINS[index]}`,
        habit: 'good',
        certificates: [certificate],
        host: addressOf(index),
        port,
      }),
    ),
  );
  const next = await authority.issue({ names: ['mx.example.net'] });
  const recorded = JSON.parse(readExample('trust/dns.json')) as LabZone;
  const data = certificates[1]?.spkiSha256 ?? '';
  const dns = await startDnsServer({
    zone: { ...zone({ certUsage: 3, selector: 1, match: 1, data }), ...recorded },
  });
  const base = mkdtempSync(join(tmpdir(), 'postern-docs-'));
  const bin = join(base, 'bin');
  mkdirSync(bin);
  write(join(bin, 'postern'), WRAPPER, 0o755);
  write(join(base, 'ca.pem'), authority.certificatePem);
  return {
    folder: () => {
      const folder = mkdtempSync(join(base, 'page-'));
      cpSync(`${root}examples`, join(folder, 'examples'), { recursive: true });
      cpSync(`${root}examples/trust/listed.eml`, join(folder, 'message.eml'));
      cpSync(`${root}examples/trust/registry.json`, join(folder, 'trusted.json'));
      write(join(folder, 'domains.txt'), 'example.org\nexample.net\n');
      write(join(folder, 'next.pem'), next.chainPem);
      write(join(folder, 'srs.secret'), 'a secret of the documentation\n', 0o600);
      write(join(folder, 'phrase'), 'correct horse battery\n', 0o600);
      write(
        join(folder, 'roboform.csv'),
        'Name,Url,Login,Pwd,Note,Folder\nShop,https://example.org/,me,x,,\n',
        0o600,
      );
      return folder;
    },
    env: {
      PATH: `${bin}:${process.env['PATH'] ?? ''}`,
      NODE: process.execPath,
      ROOT: root,
      POSTERN_RESOLVER: `${dns.host}:${dns.port}`,
      POSTERN_PORT: String(port),
      POSTERN_TLSA_PORT: '25',
      POSTERN_CA: join(base, 'ca.pem'),
      POSTERN_CACHE: 'false',
      POSTERN_EHLO: 'client.example.com',
    },
    close: async () => {
      await Promise.all([dns.close(), ...servers.map((server) => server.close())]);
    },
  };
}

function readExample(name: string): string {
  return readFileSync(`${root}examples/${name}`, 'utf8');
}

/** With the mode asked for, whatever the umask says. */
function write(file: string, text: string, mode = 0o644): void {
  writeFileSync(file, text);
  chmodSync(file, mode);
}

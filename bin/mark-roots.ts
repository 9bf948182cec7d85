// Writes data/mark-roots.pem: the authorities whose Mark Certificates are believed, each with its name and fingerprint,
// from the collection that @postalsys/vmc carries. Compare the fingerprints with those that the authorities publish.
import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const beside = createRequire(createRequire(import.meta.url).resolve('mailauth/package.json'));
const { version } = beside('@postalsys/vmc/package.json') as { version: string };
const pems = beside('@postalsys/vmc/data/root-store.json') as readonly string[];

const roots = pems
  .map((pem) => new X509Certificate(pem))
  .map(
    (root) =>
      `# ${root.subject.split('\n').join(', ')}\n# SHA-256 ${root.fingerprint256}\n# until ${root.validToDate.toISOString().slice(0, 10)}\n${root.toString()}`,
  )
  .sort((a, b) => (a < b ? -1 : 1));
writeFileSync(
  fileURLToPath(new URL('../data/mark-roots.pem', import.meta.url)),
  `# Authorities for Mark Certificates (BIMI).\n# source: @postalsys/vmc ${version} (MIT)\n\n${roots.join('\n')}`,
);

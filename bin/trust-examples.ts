// Writes examples/trust/: the four messages of `demo trust`, with recorded DNS answers and a list of invented
// companies. The keys are made for it and forgotten. Run it again to have them all anew.
import { hash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { makeTrustLab, REGISTRY_FILE } from '../src/demo/trust-lab.ts';

const folder = fileURLToPath(new URL('../examples/trust/', import.meta.url));
const [, , time = new Date().toISOString()] = process.argv;
const { scenes, dns, registry, local } = makeTrustLab(Date.parse(time), 10);

mkdirSync(folder, { recursive: true });
for (const { name, bytes } of scenes) writeFileSync(`${folder}${name}.eml`, bytes);
const documents = { 'dns.json': dns, [REGISTRY_FILE]: withLogo(registry), 'local.json': local };
for (const [file, document] of Object.entries(documents)) {
  writeFileSync(folder + file, `${JSON.stringify(document, null, 2)}\n`);
}

/** The logo of the one company lies there, drawn by hand. */
function withLogo(document: ReturnType<typeof makeTrustLab>['registry']): object {
  const file = 'example-bank.svg';
  const sha256 = hash('sha256', readFileSync(folder + file));
  const { entries, ...rest } = document as { readonly entries: readonly object[] };
  return {
    ...rest,
    entries: entries.map((entry) => ({ ...entry, logo: { mediaType: 'image/svg+xml', file, sha256 } })),
  };
}

// Writes examples/trust/: the four messages of `demo trust`, with recorded DNS answers and a list of invented
// companies. The keys are made for it and forgotten. Run it again to have them all anew.
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { makeTrustLab, REGISTRY_FILE } from '../src/demo/trust-lab.ts';

const folder = fileURLToPath(new URL('../examples/trust/', import.meta.url));
const [, , time = new Date().toISOString()] = process.argv;
const { scenes, dns, registry, local } = makeTrustLab(Date.parse(time), 10);

mkdirSync(folder, { recursive: true });
for (const { name, bytes } of scenes) writeFileSync(`${folder}${name}.eml`, bytes);
const documents = { 'dns.json': dns, [REGISTRY_FILE]: registry, 'local.json': local };
for (const [file, document] of Object.entries(documents)) {
  writeFileSync(folder + file, `${JSON.stringify(document, null, 2)}\n`);
}

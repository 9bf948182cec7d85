// Writes schemas/ and the OpenAPI document from the definitions in src/schema; with --check it only says whether they are fresh.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { documents } from '../src/schema/documents.ts';
import { throttleOpenApi } from '../src/schema/openapi.ts';

const folder = fileURLToPath(new URL('../schemas/', import.meta.url));
const check = process.argv.includes('--check');

/** File content by file name. Fields may be added later, so a published schema does not forbid them. */
const wanted = new Map<string, string>(
  Object.entries(documents).map(([id, shape]) => {
    const schema = z.toJSONSchema(shape, {
      override: ({ jsonSchema }) => {
        delete jsonSchema.additionalProperties;
      },
    });
    const { $schema, ...rest } = schema;
    return [
      `${id.replaceAll('/', '-')}.json`,
      `${JSON.stringify({ $schema, $id: id, ...rest }, null, 2)}\n`,
    ] as const;
  }),
);

mkdirSync(folder, { recursive: true });
const present = readdirSync(folder).filter((file) => file.endsWith('.json'));
const openApiFile = fileURLToPath(new URL('../data/throttle-openapi.json', import.meta.url));
const openApi = `${JSON.stringify(throttleOpenApi(), null, 2)}\n`;
const hasOpenApi = existsSync(openApiFile) && readFileSync(openApiFile, 'utf8') === openApi;
const stale = [
  ...(hasOpenApi ? [] : ['data/throttle-openapi.json']),
  ...present.filter((file) => !wanted.has(file)),
  ...[...wanted]
    .filter(([file, text]) => !present.includes(file) || readFileSync(folder + file, 'utf8') !== text)
    .map(([file]) => file),
];
if (check && stale.length > 0) {
  process.stderr.write(`schemas/ is not fresh: ${stale.join(', ')}. "npm run schemas" writes it.\n`);
  process.exitCode = 1;
} else if (!check) {
  for (const file of present) if (!wanted.has(file)) rmSync(folder + file);
  for (const [file, text] of wanted) writeFileSync(folder + file, text);
  writeFileSync(openApiFile, openApi);
}

import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { globalFlags } from '../src/cli/flags.ts';
import { EXIT_MEANINGS } from '../src/cli/help-topics.ts';
import { BY_HAND } from '../src/cli/settings.ts';
import { ExitCode } from '../src/errors.ts';
import { documents } from '../src/schema/documents.ts';
import { commandIds, loadCommand, root, run, shell } from './helpers/run.ts';
import { SAMPLES } from './helpers/samples.ts';

const WRONG_CONFIG = join(mkdtempSync(join(tmpdir(), 'postern-surface-')), 'wrong.json');

type Flag = {
  readonly type: string;
  readonly options?: readonly string[];
  readonly env?: string;
  readonly summary?: string;
};

test('the command line changes only on purpose', async () => {
  const surface: string[] = [];
  for (const id of commandIds) {
    const { args, flags } = await loadCommand(id);
    const lines = Object.entries((flags ?? {}) as Record<string, Flag>)
      .filter(([name, flag]) => (globalFlags as unknown as Record<string, Flag>)[name] !== flag)
      .map(
        ([name, { type, options }]) =>
          `  --${name}${type === 'option' ? `=${options?.join('|') ?? 'value'}` : ''}`,
      );
    surface.push(
      [id, ...Object.keys(args).map((name) => `  <${name}>`), ...lines.sort((a, b) => (a < b ? -1 : 1))].join(
        '\n',
      ),
    );
  }
  const common = Object.entries(globalFlags as unknown as Record<string, Flag>).map(
    ([name, { type, options }]) =>
      `  --${name}${type === 'option' ? `=${options?.join('|') ?? 'value'}` : ''}`,
  );
  await expect(`every command\n${common.join('\n')}\n${surface.join('\n')}\n`).toMatchFileSnapshot(
    'surface.txt',
  );
});

describe.for(commandIds)('%s', (id) => {
  test('has a summary, an example that parses to it, and a sample in this test', async () => {
    const command = await loadCommand(id);
    expect(command.summary).toMatch(/^[A-Z].*\.$/);
    const examples = command.examples as readonly string[];
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) expect(example).toMatch(/^<%= config\.bin %> (<%= command\.id %>|help )/);
    expect(SAMPLES).toHaveProperty([id]);
  });

  test('tells what each flag does, and reads each from its variable but for those only a person may give', async () => {
    const { flags } = await loadCommand(id);
    for (const [name, flag] of Object.entries({ ...globalFlags, ...flags } as unknown as Record<
      string,
      Flag
    >)) {
      expect(flag.summary, name).toMatch(/\.$/);
      const variable = `POSTERN_${name.replaceAll('-', '_').toUpperCase()}`;
      expect(flag.env, name).toBe(BY_HAND.has(name) && name !== 'config' ? undefined : variable);
    }
  });

  test('exits as it should and prints its result on standard output alone', async () => {
    const [argv, exit] = SAMPLES[id] ?? [[], -1];
    const ran = await run(id, argv);
    expect(ran.exit).toBe(exit);
    expect(ran.stdout).not.toBe('');
    expect(ran.stderr).toBe('');
  });

  test('prints JSON that its schema describes, strictly and by a validator that is not ours', async () => {
    const [argv] = SAMPLES[id] ?? [[]];
    const { stdout } = await run(id, [...argv, '--json']);
    const document: unknown = JSON.parse(stdout);
    const schemaId = `postern/${id.replaceAll(' ', '-')}/1` as keyof typeof documents;
    expect(document).toMatchObject({ schema: schemaId });
    documents[schemaId].parse(document);
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    const published = JSON.parse(
      readFileSync(`${root}schemas/${schemaId.replaceAll('/', '-')}.json`, 'utf8'),
    );
    expect(ajv.validate(published, document), ajv.errorsText()).toBe(true);
  });

  test('refuses a flag it does not know with 64, in text and in JSON', async () => {
    const text = await run(id, ['--frobnicate']);
    expect(text.exit).toBe(ExitCode.usage);
    expect(text.stderr.split('\n')).toHaveLength(2);
    const json = await run(id, ['--frobnicate', '--json']);
    expect(json.exit).toBe(ExitCode.usage);
    documents['postern/error/1'].parse(JSON.parse(json.stdout));
    expect(json.stderr).toBe('');
  });

  test('is stopped by a wrong configuration with 78, and tells the line', async () => {
    if (id.startsWith('config ')) return; // They tell what is wrong as their result.
    for (const [content, wrong] of [
      ['{\n  "color":\n}', 'line 3: not valid JSON: a value is expected at column 1.'],
      ['{\n  "fail-on": "crit",\n  "color": "blue"\n}', 'line 3: "color" is "blue", expected one of auto'],
      [`{\n"commands": {\n"${id}": {\n"yes": true\n}\n}\n}`, 'line 4: "yes" can only be given as a flag.'],
    ] as const) {
      writeFileSync(WRONG_CONFIG, content);
      const ran = await run(id, [...(SAMPLES[id]?.[0] ?? []), '--config', WRONG_CONFIG]);
      expect(ran).toMatchObject({ exit: ExitCode.config, stdout: '' });
      expect(ran.stderr).toContain(`Configuration ${WRONG_CONFIG}, ${wrong}`);
    }
  });

  test('writes its result to a file when asked to, and nothing else', async () => {
    const [argv] = SAMPLES[id] ?? [[]];
    const file = `${root}coverage/out.json`;
    const ran = await shell(
      `mkdir -p ${root}coverage && $POSTERN ${id} ${argv.join(' ')} --json --output ${file}; cat ${file}; rm ${file}`,
    );
    expect(JSON.parse(ran.stdout)).toHaveProperty('schema');
  });
});
test('README and the help page list every exit code with the same words', () => {
  const readme = readFileSync(`${root}README.md`, 'utf8');
  expect(EXIT_MEANINGS.map(([code]) => code)).toEqual(Object.values(ExitCode));
  for (const [code, meaning] of EXIT_MEANINGS) expect(readme).toContain(`| ${code} | ${meaning} |`);
});

test('schemas/ holds the documents and nothing else', () => {
  const files = readdirSync(`${root}schemas`).sort((a, b) => (a < b ? -1 : 1));
  expect(files).toEqual(Object.keys(documents).map((id) => `${id.replaceAll('/', '-')}.json`));
});

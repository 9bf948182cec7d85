// Bundles the entry and every command into dist/, one file per command, so that only the command that
// runs is loaded; then writes the manifest, from which oclif answers without loading any.
import { globSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Config, settings } from '@oclif/core';
import { type OutputChunk, rolldown } from 'rolldown';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const quiet = process.argv.includes('--quiet');
const say = (text: string) => !quiet && process.stdout.write(`${text}\n`);

/** Threads, each started from a file of its own: see where `new Worker` is called. */
const workers = {
  'check-worker': 'src/cli/bulk/check-worker.ts',
  'policy-host-worker': 'src/mta-sts/policy-host-worker.ts',
  'simulate-worker': 'src/throttle/simulate-worker.ts',
};

/** What no command may load before it needs it: each is `await import()`ed in its one adapter. */
const HEAVY =
  /node_modules\/(mailauth|node-hid|inquirer|@inquirer|fastify|zod|bullmq|ioredis|pg|@peculiar|reflect-metadata|tls-check|age-encryption|@noble|@scure)\//;

/** What packages do at every start and nobody needs, by file: a text and what stands there instead. */
const LEAN: readonly (readonly [file: string, from: string, to: string])[] = [
  // The first `localeCompare` loads the collation tables: 10 ms, to sort names of ASCII letters.
  ['@oclif/core/lib/config/plugin.js', 'a.id.localeCompare(b.id)', '(a.id < b.id ? -1 : 1)'],
  // 6 ms to tell WSL from Linux, which makes no difference here.
  ['@oclif/core/lib/util/os.js', "(await import('wsl-utils')).isWsl ? 'wsl' : ", ''],
  // 8 ms for a fetch that verifying never makes.
  ['mailauth/lib/tools.js', "require('node:https')", '{}'],
];

/** Modules that are loaded together lie in one file: each file costs about half a millisecond at the start. */
const GROUPS = [
  {
    name: 'ground',
    test: /src\/(errors|report|net\/address|dns\/(names|mailauth-resolver|record\w+|reader|chain|bounded|system|server)|cli\/(input|batch|rows))\.ts$/,
    priority: 4,
  },
  { name: 'way', test: /src\/(received|message)\//, priority: 3 },
  {
    name: 'sender',
    test: /src\/(check|dkim\/(?!lean\/|mailauth\.ts)|dmarc|arc|authres|spf|trust)\b|node_modules\/tldts/,
    priority: 2,
  },
  { name: 'mailauth', test: /node_modules\/mailauth\/|src\/dkim\/(lean\/|mailauth\.ts)/, priority: 1 },
];

const commands = globSync('commands/**/*.ts').map((file) => [file.replace(/\.ts$/, ''), file]);
const bundle = await rolldown({
  input: { main: 'src/cli/main.ts', help: 'src/cli/help.ts', ...workers, ...Object.fromEntries(commands) },
  platform: 'node',
  external: [/^node:/, /^node-hid/, /^sodium-native/],
  logLevel: quiet ? 'silent' : 'warn',
  plugins: [
    {
      name: 'lean',
      resolveId: (source, importer) => leaner(source, importer ?? ''),
      transform: (code, id) => leanCode(code, id),
    },
  ],
});
const { output } = await bundle.write({
  dir: 'dist',
  format: 'esm',
  entryFileNames: '[name].js',
  chunkFileNames: 'chunks/[name]-[hash].js',
  codeSplitting: { groups: GROUPS },
  comments: { legal: true, annotation: true, jsdoc: false },
  cleanDir: true,
});
refuseHeavyStart(output.filter((file): file is OutputChunk => file.type === 'chunk'));
await writeManifest();
say(`built ${commands.length} commands into dist/`);

/**
 * Verifying a signature takes a regular expression of joi and nothing of libmime; loading them takes longer than
 * everything else that `message check` does. tldts is there anyhow, once.
 */
function leaner(source: string, importer: string): string | null {
  if (!/node_modules\/mailauth\/lib\/(tools|dkim\/dkim-verifier)\.js$/.test(importer)) return null;
  if (source === 'joi' || source === 'libmime')
    return fileURLToPath(new URL(`../src/dkim/lean/${source}.ts`, import.meta.url));
  return source === 'tldts' ? fileURLToPath(import.meta.resolve('tldts')) : null;
}

function leanCode(code: string, id: string): string | null {
  const change = LEAN.find(([file]) => id.endsWith(`/node_modules/${file}`));
  if (change === undefined) return null;
  const [file, from, to] = change;
  if (!code.includes(from)) throw new Error(`${file} has changed: see LEAN in bin/build.ts`);
  return code.replace(from, () => to);
}

/** Throws when an entry reaches a heavy package by static imports alone. A guard that needs no clock. */
function refuseHeavyStart(files: readonly OutputChunk[]): void {
  const chunks = new Map(files.map((chunk) => [chunk.fileName, chunk]));
  const reach = (file: string, seen: Set<string>): Set<string> => {
    if (seen.has(file)) return seen;
    seen.add(file);
    for (const next of chunks.get(file)?.imports ?? []) reach(next, seen);
    return seen;
  };
  for (const { fileName, isEntry } of files) {
    if (!isEntry) continue;
    const modules = [...reach(fileName, new Set())].flatMap((file) => chunks.get(file)?.moduleIds ?? [file]);
    const early = modules.find((id) => HEAVY.test(id));
    if (early) throw new Error(`${fileName} loads ${early} before it is needed`);
  }
}

/** oclif reads commands, flags and topics from here; a stale manifest would hide new commands. */
async function writeManifest(): Promise<void> {
  rmSync('oclif.manifest.json', { force: true });
  settings.enableAutoTranspile = false;
  const config = await Config.load({
    root: process.cwd(),
    ignoreManifest: true,
    errorOnManifestCreate: true,
  });
  const plugin = config.plugins.get('postern') as { manifest?: unknown } | undefined;
  if (!plugin?.manifest) throw new Error('oclif does not find the commands of the package itself');
  writeFileSync('oclif.manifest.json', `${JSON.stringify(plugin.manifest, null, 1)}\n`);
}

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
const workers = { 'policy-host-worker': 'src/mta-sts/policy-host-worker.ts' };

/** What no command may load before it needs it: each is `await import()`ed in its one adapter. */
const HEAVY =
  /node_modules\/(mailauth|node-hid|inquirer|@inquirer|fastify|zod|bullmq|ioredis|pg|@peculiar|reflect-metadata|tls-check)\//;

const commands = globSync('commands/**/*.ts').map((file) => [file.replace(/\.ts$/, ''), file]);
const bundle = await rolldown({
  input: { main: 'src/cli/main.ts', help: 'src/cli/help.ts', ...workers, ...Object.fromEntries(commands) },
  platform: 'node',
  external: [/^node:/, /^node-hid/],
  logLevel: quiet ? 'silent' : 'warn',
  plugins: [{ name: 'lean-mailauth', resolveId: (source, importer) => leaner(source, importer ?? '') }],
});
const { output } = await bundle.write({
  dir: 'dist',
  format: 'esm',
  entryFileNames: '[name].js',
  chunkFileNames: 'chunks/[name]-[hash].js',
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

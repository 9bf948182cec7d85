#!/usr/bin/env node
// Runs the commands straight from their TypeScript sources (Node strips the types): no build.
import { fileURLToPath } from 'node:url';
import { main } from '../src/cli/main.ts';

await main(fileURLToPath(new URL('..', import.meta.url)), process.argv.slice(2), { sources: true });

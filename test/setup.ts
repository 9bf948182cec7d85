import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { settings } from '@oclif/core';

// The sources run as they are; oclif must not look for a transpiler of its own.
settings.enableAutoTranspile = false;

// No test reads or writes what the person who runs it keeps.
const home = mkdtempSync(join(tmpdir(), 'postern-test-home-'));
for (const [name, folder] of [
  ['XDG_STATE_HOME', 'state'],
  ['XDG_CACHE_HOME', 'cache'],
  ['XDG_CONFIG_HOME', 'config'],
] as const)
  process.env[name] = join(home, folder);

import { settings } from '@oclif/core';

// The sources run as they are; oclif must not look for a transpiler of its own.
settings.enableAutoTranspile = false;

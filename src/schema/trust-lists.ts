import { z } from 'zod';
import { type Frozen, report } from './report.ts';

const time = z.iso.datetime();
const version = z.int().nullable();

const list = z.strictObject({
  mediator: z.string().describe('Identifier of the mediator.'),
  name: z.string(),
  source: z.string().describe('Where updates come from.'),
  root: z.int().describe('Version of the root that is held.'),
  rootExpires: time,
  pointer: version.describe('Version of the pointer; null when there is none that the root’s keys sign.'),
  list: version,
  issued: time.nullable(),
  expires: time.nullable().describe('From then on nothing is green because of it: the earliest of its ends.'),
  entries: z.int().nullable().describe('null when the list itself has to be fetched again.'),
  domains: z.int().nullable(),
  synced: time.nullable().describe('When an update last went through.'),
});

/** `trust sync`: one mediator brought up to date. */
export const trustSync = z.strictObject({
  ...report.shape,
  ...list.shape,
  changed: z.boolean().describe('Something new was accepted.'),
  refused: z
    .enum([
      'form',
      'signature',
      'version',
      'rollback',
      'equivocation',
      'expired',
      'future',
      'digest',
      'mediator',
      'missing',
      'source',
    ])
    .nullable()
    .describe('The rule that what was offered breaks; what was held before stays.'),
});

/** `trust list`: the lists that are kept. */
export const trustList = z.strictObject({ ...report.shape, lists: z.array(list) });

const domain = z.string();

/** `trust override`: the local decisions. */
export const trustOverride = z.strictObject({
  ...report.shape,
  file: z.string(),
  changed: z.boolean(),
  trust: z.array(z.strictObject({ domain, includeSubdomains: z.boolean(), name: z.string() })),
  block: z.array(
    z.strictObject({
      domain,
      includeSubdomains: z.boolean(),
      from: z.enum(['all', 'trust']).describe('all: its mail is suspicious; trust: it is never trusted.'),
    }),
  ),
  openSignup: z.strictObject({ add: z.array(domain), remove: z.array(domain) }),
  sealers: z.array(domain).describe('Signing domains of ARC sealers that are believed.'),
});

export type KeptList = Frozen<z.infer<typeof list>>;
export type TrustSyncResult = Frozen<z.infer<typeof trustSync>>;
export type TrustListResult = Frozen<z.infer<typeof trustList>>;
export type TrustOverrideResult = Frozen<z.infer<typeof trustOverride>>;

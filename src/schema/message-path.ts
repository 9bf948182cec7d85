import { z } from 'zod';
import { tlsVersion } from './mx-probe.ts';
import { type Frozen, report } from './report.ts';

const text = z.string().nullable();
const range = z.tuple([z.int(), z.int()]).describe('Bytes in the input: start, end (exclusive).');
const fact = z.enum(['helo', 'rdns', 'ip', 'envelopeFrom', 'tls', 'auth', 'date', 'id']);

const clientCert = z.strictObject({ cn: text, issuer: text, verified: z.boolean().nullable() });
const version = z.enum(['SSLv3', ...tlsVersion.options]);

const tls = z.strictObject({
  version: version.nullable().describe('Only where the label is sure.'),
  versionWritten: text,
  atLeast: version.nullable().describe('The least version it can have been.'),
  cipher: text.describe('As written.'),
  cipherIana: text.describe('In the spelling of the IANA registry, where the mapping is sure.'),
  bits: z.number().nullable(),
  group: text,
  keyExchange: text,
  serverSignature: text,
  clientCert: clientCert.nullable(),
  verify: text,
});

const peer = z.strictObject({
  helo: text.describe('What the client called itself: a claim.'),
  rdns: text,
  ip: text,
  port: z.int().nullable(),
  ident: text,
});

const auth = z.strictObject({ user: text, mechanism: text, evidence: z.string() });

const hop = z.strictObject({
  index: z.int().describe('Place in hops; 0 is the oldest.'),
  from: peer,
  by: text,
  byIp: text,
  bySoftware: text,
  via: text,
  with: text,
  id: text,
  for: text,
  envelopeFrom: text,
  encrypted: z.enum(['yes', 'no', 'unknown', 'local']),
  encryptedReason: z.string(),
  tls: tls.nullable(),
  auth: auth.nullable(),
  date: z.iso.datetime().nullable(),
  delaySeconds: z.number().nullable().describe('Negative: a clock is wrong.'),
  trusted: z.boolean().describe('Written by your own system.'),
  border: z.boolean().describe('Where the message entered that system.'),
  submission: z.boolean(),
  internal: z.boolean(),
  observed: z.array(fact).describe('Facts seen by the server that wrote the line.'),
  claimed: z.array(fact).describe('Facts that somebody else said.'),
  flags: z.array(z.string()),
  raw: z.string(),
  range,
});

const annotation = z.strictObject({
  kind: z.enum(['x-received', 'arc', 'authentication-results', 'origin', 'exchange']),
  name: z.string(),
  value: z.string(),
  instance: z.int().nullable(),
  afterHop: z.int().nullable(),
  trusted: z.boolean(),
  range,
});

export const messagePath = z.strictObject({
  ...report.shape,
  hops: z.array(hop),
  border: z.int().nullable(),
  totalSeconds: z.number().nullable(),
  content: z.enum([
    'pgp-mime',
    'pgp-inline',
    'smime-encrypted',
    'smime-signed',
    'pgp-signed',
    'none',
    'unknown',
  ]),
  annotations: z.array(annotation),
  truncated: z.boolean().describe('The header section was longer than what is read.'),
});

export type MessagePathResult = Frozen<z.infer<typeof messagePath>>;

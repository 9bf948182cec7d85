import { z } from 'zod';
import { PHASES } from '../smtp/fault.ts';
import { TLS_VERSIONS } from '../smtp/tls.ts';
import { check, type Frozen, report, status } from './report.ts';

export const phase = z.enum(PHASES);

export const tlsVersion = z.enum(TLS_VERSIONS);

export const tls = z.strictObject({
  version: tlsVersion.nullable(),
  cipher: z.string().describe('Cipher suite in the spelling of the IANA registry.'),
  group: z.string().nullable().describe('Key exchange group, such as X25519MLKEM768.'),
  postQuantum: z.boolean(),
});

const certificate = z.strictObject({
  subject: z.string(),
  issuer: z.string(),
  names: z.array(z.string()),
  notBefore: z.iso.datetime(),
  notAfter: z.iso.datetime(),
  key: z.string().describe('Such as EC prime256v1 or RSA 2048.'),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  spkiSha256: z.string().regex(/^[0-9a-f]{64}$/),
  trusted: z.boolean().describe('The chain leads to a known authority and is in date.'),
  distrust: z.string().nullable().describe('Why it is not trusted.'),
  selfSigned: z.boolean(),
  coversHost: z.boolean().describe('One of its names is the name of the exchanger.'),
});

const fault = z.strictObject({
  phase,
  kind: z.string(),
  message: z.string(),
  evidence: z.string().optional(),
});

const address = z.strictObject({
  ip: z.string(),
  port: z.int(),
  status,
  phase: phase.describe('How far the conversation came.'),
  fault: fault.nullable().describe('What ended it before its end.'),
  starttls: z.enum(['offered', 'not-offered', 'unknown']),
  tls: tls.nullable(),
  certificate: certificate.nullable(),
  versions: z
    .record(tlsVersion, z.enum(['offered', 'refused', 'cannot-ask', 'unknown']))
    .nullable()
    .describe('Each version asked for by itself (--versions); null where that was not done.'),
  iprev: z
    .strictObject({ result: z.enum(['pass', 'fail', 'none', 'temperror']), names: z.array(z.string()) })
    .nullable()
    .describe('Forward-confirmed reverse DNS; null where the address was not asked.'),
  banner: z.string().nullable(),
  extensions: z.array(z.string()).nullable().describe('What EHLO offers before TLS.'),
  extensionsInTls: z.array(z.string()).nullable(),
  elapsedMs: z.int(),
  checks: z.array(check),
});

const host = z.strictObject({
  host: z.string(),
  preference: z.int().nullable(),
  cnames: z.array(z.string()).describe('Aliases on the way to the addresses.'),
  status,
  addresses: z.array(address),
  dnssec: z.enum(['secure', 'insecure', 'bogus', 'indeterminate', 'untrusted']).describe('Of its addresses.'),
});

const senderOutcome = z.strictObject({
  host: z.string(),
  sender: z.enum(['opportunistic', 'encrypt', 'verify', 'secure']),
  outcome: z.enum(['encrypted', 'plaintext', 'deferred', 'unknown']),
  reason: z.string(),
});

export const mxProbe = z.strictObject({
  ...report.shape,
  domain: z.string(),
  exchangers: z.strictObject({
    kind: z.enum(['listed', 'implicit', 'null-mx', 'address', 'no-domain', 'unknown']),
    hosts: z.array(z.string()),
    dnssec: z.enum(['secure', 'insecure', 'bogus', 'indeterminate', 'untrusted']),
  }),
  hosts: z.array(host),
  tlsRpt: z
    .strictObject({
      kind: z.enum(['found', 'none', 'invalid', 'unknown']),
      record: z.string().optional(),
      rua: z.array(z.string()).optional(),
      reason: z.string().optional(),
    })
    .nullable()
    .describe('What the domain says about TLS reports; null where there is no domain.'),
  senders: z.array(senderOutcome).describe('What senders of each strictness would do at each exchanger.'),
});

export type MxProbeResult = Frozen<z.infer<typeof mxProbe>>;
export type MxHostResult = Frozen<z.infer<typeof host>>;
export type MxAddressResult = Frozen<z.infer<typeof address>>;
export type SenderOutcome = Frozen<z.infer<typeof senderOutcome>>;

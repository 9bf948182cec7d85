import { z } from 'zod';
import { INTRUSIVE_TESTS } from '../mx/intrusive.ts';
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

export const certificateFacts = z.strictObject({
  subject: z.string(),
  issuer: z.string(),
  names: z.array(z.string()),
  notBefore: z.iso.datetime(),
  notAfter: z.iso.datetime(),
  key: z.string().describe('Such as EC prime256v1 or RSA 2048.'),
  signature: z.string().nullable().describe('What it was signed with, such as ecdsa-with-SHA256.'),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  spkiSha256: z.string().regex(/^[0-9a-f]{64}$/),
  trusted: z.boolean().describe('The chain leads to a known authority and is in date.'),
  distrust: z.string().nullable().describe('Why it is not trusted.'),
  selfSigned: z.boolean(),
});

const certificate = z.strictObject({
  ...certificateFacts.shape,
  coversHost: z.boolean().describe('One of its names is the name of the exchanger.'),
});

const fault = z.strictObject({
  phase,
  kind: z.string(),
  message: z.string(),
  evidence: z.string().optional(),
});

const dnssec = z
  .enum(['secure', 'insecure', 'bogus', 'indeterminate', 'untrusted'])
  .describe('untrusted: it cannot be told from here, as the way to the resolver is not to be believed.');

const tlsaRecord = z.strictObject({
  certUsage: z.int(),
  selector: z.int(),
  match: z.int(),
  data: z.string().describe('Lower-case hexadecimal.'),
});

const hostDane = z.strictObject({
  kind: z
    .enum(['not-secure', 'none', 'records', 'failed'])
    .describe('not-secure: the addresses are not validated, so nothing was asked; failed is no absence.'),
  name: z.string().nullable().describe('Where the TLSA records are, such as _25._tcp.mx.example.org.'),
  dnssec,
  mxSecure: z.boolean().nullable().describe('Whether the choice of the host is validated, too.'),
  reason: z.string().nullable(),
  records: z.array(tlsaRecord),
});

const addressDane = z.strictObject({
  result: z
    .enum(['authenticated', 'mismatch', 'unusable'])
    .describe('unusable: no record can be used; TLS is required then, nothing is authenticated.'),
  reason: z.string().nullable(),
  records: z.array(
    z.strictObject({
      record: z.string(),
      state: z.enum(['matched', 'rejected', 'unmatched', 'superseded', 'unusable']),
      depth: z.int().nullable().describe('0 is the certificate of the server.'),
      reason: z.string().nullable(),
    }),
  ),
});

const resultType = z
  .enum([
    'starttls-not-supported',
    'certificate-host-mismatch',
    'certificate-expired',
    'certificate-not-trusted',
    'validation-failure',
    'tlsa-invalid',
    'dnssec-invalid',
    'sts-webpki-invalid',
  ])
  .describe('RFC 8460 §4.3.');

const mtaSts = z.strictObject({
  kind: z.enum(['found', 'none', 'invalid-record', 'failed', 'unknown']),
  id: z.string().nullable(),
  mode: z.enum(['enforce', 'testing', 'none']).nullable(),
  maxAgeSeconds: z.int().nullable(),
  mx: z.array(z.string()),
  source: z.enum(['fetched', 'cache']).nullable().describe('cache: kept from before.'),
  resultType: z
    .enum(['sts-policy-fetch-error', 'sts-policy-invalid', 'sts-webpki-invalid'])
    .nullable()
    .describe('RFC 8460 §4.3: why the policy could not be had, or renewed.'),
  reason: z.string().nullable(),
});

const address = z.strictObject({
  ip: z.string(),
  port: z.int(),
  status,
  phase: phase.describe('How far the conversation came.'),
  fault: fault.nullable().describe('What ended it before its end.'),
  refusedForGood: z.boolean().describe('The server said no with a 5xx code before anything else.'),
  starttls: z.enum(['offered', 'not-offered', 'unknown', 'implicit']),
  offers: z
    .strictObject({ rounds: z.int(), offered: z.int() })
    .nullable()
    .describe('How often STARTTLS was offered, where the server was asked several times.'),
  tls: tls.nullable(),
  certificate: certificate.nullable(),
  certificatesByKey: z
    .strictObject({ rsa: certificate.nullable(), ecdsa: certificate.nullable() })
    .nullable()
    .describe('What the server presents to clients of one type of key (--both-certificates).'),
  dane: addressDane.nullable().describe('The certificate compared with the TLSA records; null without them.'),
  resultType: resultType
    .nullable()
    .describe('What a report of a sender that follows DANE or MTA-STS would call it; null without a fault.'),
  versions: z
    .record(tlsVersion, z.enum(['offered', 'refused', 'cannot-ask', 'unknown']))
    .nullable()
    .describe('Each version asked for by itself (--versions); null where that was not done.'),
  intrusive: z
    .array(
      z.strictObject({
        test: z.enum(INTRUSIVE_TESTS),
        tried: z.string().describe('What was sent, in a few words.'),
        result: z
          .enum(['safe', 'vulnerable', 'doubtful', 'unknown'])
          .describe('doubtful: it was taken, which has an innocent explanation as well.'),
        answer: z.string().nullable().describe('What the server said; null for silence.'),
      }),
    )
    .nullable()
    .describe('Tests that a server may take amiss (--intrusive); null where they were not made.'),
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
  dnssec,
  dane: hostDane,
});

const senderOutcome = z.strictObject({
  host: z.string(),
  sender: z.enum(['opportunistic', 'encrypt', 'dane', 'dane-only', 'verify', 'secure', 'mta-sts']),
  outcome: z.enum(['encrypted', 'plaintext', 'deferred', 'refused', 'unknown']),
  reason: z.string(),
});

export const probedBy = z.strictObject({
  worker: z
    .string()
    .regex(/^[\w.-]{1,64}$/)
    .describe('Name of the machine, or what it was told to be called.'),
  time: z.iso.datetime(),
});

export const mxProbe = z.strictObject({
  ...report.shape,
  domain: z.string(),
  exchangers: z.strictObject({
    kind: z.enum(['listed', 'implicit', 'null-mx', 'address', 'submission', 'no-domain', 'unknown']),
    hosts: z.array(z.string()),
    dnssec,
  }),
  hosts: z.array(host),
  mtaSts: mtaSts.nullable().describe('The MTA-STS policy of the domain; null where there is no domain.'),
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
  probed: probedBy.optional().describe('Which worker of a queue probed, and when (--queue).'),
});

export type MxProbeResult = Frozen<z.infer<typeof mxProbe>>;
export type MxHostResult = Frozen<z.infer<typeof host>>;
export type MxAddressResult = Frozen<z.infer<typeof address>>;
export type MxMtaSts = Frozen<z.infer<typeof mtaSts>>;
export type ResultType = Frozen<z.infer<typeof resultType>>;
export type SenderOutcome = Frozen<z.infer<typeof senderOutcome>>;

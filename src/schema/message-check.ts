import { z } from 'zod';
import { messagePath } from './message-path.ts';
import { type Frozen, report } from './report.ts';
import { spfResult, spfTree } from './spf-check.ts';
import { organization, reason, voucher } from './trust.ts';

const text = z.string().nullable();

const origin = z.enum([
  'given',
  'received-spf',
  'authentication-results',
  'received',
  'return-path',
  'unknown',
]);

const spf = z.strictObject({
  result: z.enum([...spfResult.options, 'not-evaluated']),
  reason: text,
  domain: text.describe('The domain that was judged.'),
  identity: z.enum(['mailfrom', 'helo']).nullable(),
  ip: text,
  helo: text,
  mailFrom: text.describe('Empty: the path of a bounce. Null: not known.'),
  origin: z.strictObject({ ip: origin, helo: origin, mailFrom: origin }).describe('Who told each of them.'),
  lookups: z.int(),
  explanation: text.describe('What the owner of the domain says of a fail: untrusted text.'),
  tree: spfTree.nullable(),
  heloResult: text,
  forwarding: text.describe('Why a failure may be the work of a forwarder.'),
  sender: text.describe('The sender that an SRS return path names, unverified.'),
});

const keyRecord = z.strictObject({
  name: z.string(),
  text,
  state: z.enum(['found', 'missing', 'revoked', 'invalid', 'unavailable']),
  type: z.enum(['rsa', 'ed25519']).nullable(),
  bits: z.int().nullable(),
  testing: z.boolean(),
  strictIdentity: z.boolean(),
  faults: z.array(z.string()),
});

const canonicalization = z.enum(['simple', 'relaxed']);

const signature = z.strictObject({
  domain: text,
  selector: text,
  algorithm: text,
  result: z.enum(['none', 'pass', 'fail', 'policy', 'neutral', 'temperror', 'permerror']),
  reason: text,
  cause: z
    .enum([
      'body-hash',
      'signature',
      'no-key',
      'key',
      'weak-key',
      'sha1',
      'syntax',
      'algorithm',
      'identity',
      'expired',
      'dns',
      'body-unknown',
      'bound',
    ])
    .nullable(),
  aligned: z.boolean(),
  qualifies: z.boolean().describe('It may make the message trusted.'),
  disqualifiedBy: z.array(z.string()),
  warnings: z.array(z.string()),
  canonicalization: z.strictObject({ header: canonicalization, body: canonicalization }).nullable(),
  headers: z.array(z.string()),
  bodyLength: z.number().nullable().describe('l= in octets.'),
  identity: text,
  signedAt: z.iso.datetime().nullable(),
  expiresAt: z.iso.datetime().nullable(),
  keyBits: z.int().nullable(),
  key: keyRecord.nullable(),
  diagnosis: z
    .strictObject({ change: z.string(), text: z.string() })
    .nullable()
    .describe('The change on the way that would explain a failure.'),
});

const policy = z.enum(['none', 'quarantine', 'reject']).nullable();
const aligned = z.strictObject({ spf: z.boolean(), dkim: z.boolean() });

const dmarc = z.strictObject({
  result: z.enum(['pass', 'fail', 'none', 'temperror', 'not-evaluated']),
  reason: text,
  policy: policy.describe('The one that applies, after sp, np and t.'),
  policyDomain: text,
  orgDomain: text,
  record: text,
  testing: z.boolean(),
  aligned,
  legacy: z
    .strictObject({
      result: z.enum(['pass', 'fail', 'none', 'temperror']),
      policy,
      policyDomain: text,
      orgDomain: z.string(),
      aligned,
      differs: z.boolean(),
    })
    .nullable()
    .describe('By RFC 7489 and the Public Suffix List.'),
});

const claim = z.strictObject({
  method: z.string(),
  result: z.string(),
  reason: text,
  properties: z.record(z.string(), z.string()),
});

const arcSet = z.strictObject({
  instance: z.int(),
  sealer: text,
  selector: text,
  chainValidation: text,
  sealedAtMs: z.number().nullable(),
  authservId: text,
  claims: z.array(claim).describe('What the sealer says; nobody else does.'),
});

const arc = z.strictObject({
  result: z.enum(['none', 'pass', 'fail', 'temperror', 'not-evaluated']),
  reason: text,
  sets: z.array(arcSet),
});

const mark = z.strictObject({
  kind: z.enum(['vmc', 'cmc']).describe('A registered trademark, or a mark in common use.'),
  markType: text,
  organization: text.describe('As the certificate has it.'),
  country: text,
  authority: z.string().describe('Organization at the root.'),
  validFrom: z.iso.datetime(),
  validUntil: z.iso.datetime(),
  sha256: z.string().describe('Of the certificate.'),
  names: z.array(z.string()).describe('Domains that it is for.'),
  timestamps: z.int().describe('Timestamps of certificate logs (RFC 6962), counted and not verified.'),
  revocation: z.enum(['good', 'unknown']),
  logo: z.strictObject({
    sha256: z.string(),
    dataUri: z.string().describe('The SVG, written anew from what is harmless.'),
  }),
});

const bimi = z.strictObject({
  result: z
    .enum(['pass', 'fail', 'none', 'skipped', 'temperror', 'permerror'])
    .describe('Fail: its certificate or logo is refused.'),
  reason: text,
  domain: text,
  selector: text,
  location: text,
  authority: text,
  mark: mark.nullable().describe('What a certificate proves; it decides nothing.'),
});

const dnsbl = z.strictObject({
  list: z.string(),
  target: z.string(),
  purpose: z.enum(['block', 'allow']),
  status: z.enum(['listed', 'not-listed', 'error', 'timeout', 'broken']),
  meaning: text,
  text: text.describe('The list’s own words: untrusted text.'),
});

const recorded = z.strictObject({
  authservId: z.string(),
  method: z.string(),
  domain: text,
  recorded: z.string(),
  ours: text,
  differs: z.boolean(),
});

export const messageCheck = z.strictObject({
  ...report.shape,
  verdict: z.enum(['trusted', 'authenticated', 'open-signup', 'unauthenticated', 'suspicious']),
  reasons: z.array(reason).describe('The decisive ones first.'),
  authorDomain: text,
  organization: organization.nullable().describe('Only when trusted; from the list, never from the message.'),
  vouchers: z.array(voucher),
  wouldTrust: text.describe('What would make this trusted.'),
  undecidedBy: z.enum(['dns', 'body']).nullable(),
  asOf: z.iso.datetime().describe('The time that judged expiry.'),
  spf,
  dkim: z.strictObject({ signatures: z.array(signature) }),
  dmarc,
  arc,
  bimi: bimi.nullable(),
  dnsbl: z.array(dnsbl),
  recorded: z.array(recorded).describe('Results that your own servers wrote into the message.'),
  path: messagePath.omit({ target: true }),
});

export const messageCheckOnly = z.strictObject({
  ...report.shape,
  only: z.array(z.enum(['spf', 'dkim', 'arc'])).describe('What was asked for.'),
  asOf: z.iso
    .datetime()
    .nullable()
    .describe('The time that judged expiry; null where nothing had to be judged by one.'),
  spf: spf.nullable(),
  dkim: z
    .strictObject({ signatures: z.array(signature.omit({ aligned: true, qualifies: true })) })
    .nullable(),
  arc: arc.nullable(),
});

export type MessageCheckOnlyResult = Frozen<z.infer<typeof messageCheckOnly>>;

export type MessageCheckResult = Frozen<z.infer<typeof messageCheck>>;

import { z } from 'zod';
import { type Frozen, report } from './report.ts';

const time = z.iso.datetime();

const entry = z.strictObject({
  id: z.string(),
  name: z.string(),
  status: z.enum(['proposed', 'vetted', 'active', 'suspended', 'revoked']),
  domains: z.array(z.strictObject({ domain: z.string(), includeSubdomains: z.boolean() })),
  mailTypes: z.array(z.string()).describe('RFC 5518 §5.3.'),
  level: z.string().nullable().describe('What was made sure of.'),
  checkedBy: z.array(z.string()).describe('The one who vetted and the one who approved.'),
  vettedBy: z.string().nullable().describe('Who vetted it last, as long as nobody approved that.'),
  problems: z.array(z.string()).describe('Ids of checks that keep it from being approved.'),
  validUntil: time.nullable(),
  reason: z.string().nullable().describe('Why it was suspended or revoked.'),
  vbrInfo: z.array(z.string()).describe('The field for the company’s own mail (RFC 5518 §4), a domain.'),
});

const mediator = z.string().describe('Identifier of the mediator.');
const act = z.strictObject({ ...report.shape, mediator, actor: z.string(), entry });
const signature = {
  list: z.int().describe('Version of the list.'),
  pointer: z.int().describe('Version of the pointer.'),
  newList: z.boolean(),
  missing: z.int().describe('Signatures that the list still needs; until then the pointer stays as it was.'),
} as const;

/** `mediator init` */
export const mediatorInit = z.strictObject({
  ...report.shape,
  mediator,
  actor: z.string(),
  folder: z.string(),
  root: z.string().describe('The file to hand to readers, by another way than the web server.'),
  keys: z.array(
    z.strictObject({ role: z.enum(['root', 'list', 'pointer']), id: z.string(), file: z.string() }),
  ),
});

/** `mediator challenge` */
export const mediatorChallenge = z.strictObject({
  ...report.shape,
  mediator,
  actor: z.string(),
  name: z.string().describe('Where the record belongs.'),
  value: z.string(),
  record: z.string().describe('A line for a zone file.'),
});

/** `mediator add`, `approve`, `renew`, `suspend`, `logo` */
export const mediatorAct = act;
/** `mediator revoke` */
export const mediatorRevoke = z.strictObject({
  ...act.shape,
  signed: z.strictObject(signature).nullable().describe('With --now: what was signed at once.'),
});

/** `mediator open-signup` */
export const mediatorOpenSignup = z.strictObject({
  ...report.shape,
  mediator,
  actor: z.string(),
  sha256: z.string().describe('Digest of the file that readers get.'),
  names: z.int().describe('Domains in it.'),
  added: z.int().describe('Of them, those that were not in it before.'),
  removed: z.int().describe('Domains that are no longer in it.'),
});

/** `mediator list` */
export const mediatorList = z.strictObject({
  ...report.shape,
  mediator,
  name: z.string(),
  entries: z.array(entry),
});

/** `mediator diff` */
export const mediatorDiff = z.strictObject({
  ...report.shape,
  mediator,
  list: z.int().nullable().describe('Version of the list that is signed.'),
  added: z.array(z.string()),
  changed: z.array(z.string()),
  removed: z.array(z.string()),
  openSignup: z.boolean().describe('Whether the domains of open sign-up are others.'),
});

/** `mediator sign` */
export const mediatorSign = z.strictObject({
  ...report.shape,
  mediator,
  ...signature,
  exported: z.string().nullable().describe('The envelope to take to where the other keys are.'),
});

/** `mediator publish` */
export const mediatorPublish = z.strictObject({
  ...report.shape,
  mediator,
  folder: z.string(),
  list: z.int(),
  pointer: z.int(),
  expires: time.describe('When the pointer does: sign and publish again before.'),
  files: z.array(z.string()).describe('Written, the pointer last.'),
});

/** `mediator rotate` */
export const mediatorRotate = z.strictObject({
  ...report.shape,
  mediator,
  role: z.enum(['root', 'list', 'pointer']),
  root: z.int().describe('Version of the new root.'),
  key: z.string().describe('Id of the new key.'),
  file: z.string().nullable(),
});

/** `mediator audit` */
export const mediatorAudit = z.strictObject({
  ...report.shape,
  mediator,
  lines: z.int(),
  head: z.string().describe('Digest of the last line: keep it elsewhere, too.'),
  list: z.int().nullable(),
});

/** `mediator watch`: one entry looked at again. */
export const mediatorWatch = z.strictObject({ ...report.shape, mediator, entry });

export type EntryView = Frozen<z.infer<typeof entry>>;
export type MediatorInitResult = Frozen<z.infer<typeof mediatorInit>>;
export type MediatorChallengeResult = Frozen<z.infer<typeof mediatorChallenge>>;
export type MediatorActResult = Frozen<z.infer<typeof mediatorAct>>;
export type MediatorRevokeResult = Frozen<z.infer<typeof mediatorRevoke>>;
export type MediatorOpenSignupResult = Frozen<z.infer<typeof mediatorOpenSignup>>;
export type MediatorListResult = Frozen<z.infer<typeof mediatorList>>;
export type MediatorDiffResult = Frozen<z.infer<typeof mediatorDiff>>;
export type MediatorSignResult = Frozen<z.infer<typeof mediatorSign>>;
export type MediatorPublishResult = Frozen<z.infer<typeof mediatorPublish>>;
export type MediatorRotateResult = Frozen<z.infer<typeof mediatorRotate>>;
export type MediatorAuditResult = Frozen<z.infer<typeof mediatorAudit>>;
export type MediatorWatchResult = Frozen<z.infer<typeof mediatorWatch>>;

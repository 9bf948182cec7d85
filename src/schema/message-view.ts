import { z } from 'zod';
import { type Frozen, report, status } from './report.ts';
import { reason, verdict } from './trust.ts';

const text = z.string().nullable();

const company = z.strictObject({
  name: z.string().describe('As the list has it, never as the message does.'),
  legalName: text,
  country: text,
  domain: z.string().describe('The author’s domain, which was proved.'),
  mediator: z.string().describe('Who vouches.'),
  source: z.string().describe('Identifier of the mediator, or local.'),
  entry: z.string(),
});

const mark = z.strictObject({
  organization: text.describe('As the certificate has it.'),
  kind: z.enum(['vmc', 'cmc']),
  authority: z.string(),
  domain: z.string().describe('The author’s domain, which was proved.'),
  logo: z.string().describe('SHA-256 of the logo, as it is shown.'),
});

const mailbox = z.strictObject({
  name: z.string().describe('What the sender calls itself: untrusted text; empty without one.'),
  address: z.string(),
});

const attachment = z.strictObject({
  name: text,
  mediaType: z.string(),
  sizeBytes: z.int(),
});

const body = z.strictObject({
  text: text.describe('As written, or taken from the HTML.'),
  html: text.describe('Rewritten with harmless elements alone; nothing in it is loaded from elsewhere.'),
  leftOut: z.strictObject({
    remote: z.int().describe('Images and other things that would have been loaded from elsewhere.'),
    active: z.int().describe('Scripts, forms, frames and the like.'),
  }),
  attachments: z.array(attachment),
  truncated: z.boolean().describe('There is more than is shown.'),
});

const page = z.strictObject({
  from: z.array(mailbox),
  replyTo: z.array(mailbox),
  to: z.array(mailbox),
  cc: z.array(mailbox),
  wouldTrust: text.describe('What would make it trusted.'),
  body: body.nullable().describe('Null where there is none: a header block.'),
});

const message = z.strictObject({
  target: z.string(),
  status,
  summary: z.string(),
  verdict: verdict.nullable().describe('Null: the message could not be read.'),
  company: company.nullable().describe('Only when trusted.'),
  mark: mark
    .nullable()
    .describe('A logo that a certificate proves; only when authenticated. It makes nothing trusted.'),
  sender: mailbox.nullable(),
  subject: text,
  date: z.iso.datetime().nullable(),
  dateFrom: z
    .enum(['own', 'sender'])
    .nullable()
    .describe('Whether an own server wrote the date, or the sender.'),
  sizeBytes: z.int(),
  withdrawn: text.describe('An entry that was revoked or suspended, or that expired.'),
  reasons: z.array(reason).describe('Every reason, the decisive ones first.'),
  page: page
    .nullable()
    .describe('The message itself; only where there is one, or where the HTML of a mailbox has it.'),
});

export const messageView = z.strictObject({
  ...report.shape,
  counts: z.strictObject({
    trusted: z.int(),
    authenticated: z.int(),
    'open-signup': z.int(),
    unauthenticated: z.int(),
    suspicious: z.int(),
    undecided: z.int().describe('It could not be told: no answer of the DNS, or no body, or not to be read.'),
  }),
  messages: z.array(message),
});

export type MessageViewResult = Frozen<z.infer<typeof messageView>>;
export type ViewedMessage = Frozen<z.infer<typeof message>>;
export type MessagePageView = Frozen<z.infer<typeof page>>;
export type MessageBody = Frozen<z.infer<typeof body>>;
export type ViewedMailbox = Frozen<z.infer<typeof mailbox>>;
export type ViewedMark = Frozen<z.infer<typeof mark>>;
export type Company = Frozen<z.infer<typeof company>>;

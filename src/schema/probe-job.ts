import { z } from 'zod';
import { ExitCode } from '../errors.ts';
import { FAULT_KINDS } from '../smtp/fault.ts';
import { certificateFacts, mxProbe, phase, probedBy, tls } from './mx-probe.ts';
import type { Frozen } from './report.ts';

/** Longest that anything in a job may wait, in milliseconds. */
export const LONGEST_WAIT_MS = 3_600_000;

const port = z.int().min(1).max(65_535);
const waitMs = z.int().min(1).max(LONGEST_WAIT_MS);

/** What of a probe decides its result, wherever it is made. */
export const probePlan = z.strictObject({
  port,
  tlsaPort: port,
  submission: z.boolean(),
  versions: z.boolean(),
  bothCertificates: z.boolean(),
  dnsOnly: z.boolean(),
  repeat: z.int().min(1).max(20),
  retries: z.int().min(0).max(10),
  retryWaitMs: waitMs,
  /** Look at the TLS versions of the policy host, too. */
  policyVersions: z.boolean(),
  /** When expiry is judged, up to the end of the year 9999. */
  asOfMs: z.int().min(0).max(253_402_300_799_999),
  timeoutsMs: z.strictObject({
    connect: waitMs,
    banner: waitMs,
    command: waitMs,
    tls: waitMs,
    total: waitMs,
    https: waitMs,
  }),
});

/** A job in the queue. Whoever can write to the queue may have made it. */
export const probeJob = z.strictObject({
  v: z.literal(1),
  target: z.string().min(1).max(1000),
  /** Which start of the run put it in: what a worker remembers is for one start. */
  start: z.uuid(),
  plan: probePlan,
});

const exits = Object.values(ExitCode).map((code) => z.literal(code));

/** What became of a job. */
export const probeRow = z.strictObject({
  v: z.literal(1),
  ...probedBy.shape,
  outcome: z.union([
    z.strictObject({ result: mxProbe }),
    z.strictObject({
      error: z.strictObject({
        code: z.string().max(100),
        message: z.string().max(4000),
        hint: z.string().max(4000).optional(),
        exit: z.union(exits),
      }),
    }),
  ]),
});

const text = z.string().max(20_000);

const reply = z.strictObject({
  code: z.int(),
  lines: z.array(text).max(200),
  oddities: z.array(z.enum(['bare-lf', 'long-line'])).max(2),
});

const ehlo = z.strictObject({ name: text, extensions: z.array(z.tuple([text, text])).max(200) });

/** What one server said, as workers share it. */
export const savedConversation = z.strictObject({
  ip: z.string().max(100),
  port,
  phase,
  fault: z
    .strictObject({
      phase,
      kind: z.enum(FAULT_KINDS),
      message: text,
      evidence: text.optional(),
      reply: reply.optional(),
    })
    .nullable(),
  banner: reply.nullable(),
  ehlo: ehlo.nullable(),
  ehloInTls: ehlo.nullable(),
  starttls: z.enum(['offered', 'not-offered', 'unknown', 'implicit']),
  tls: z
    .strictObject({
      ...tls.shape,
      certificate: certificateFacts.nullable(),
      chain: z.array(z.base64()).max(10),
    })
    .nullable(),
  elapsedMs: z.number(),
});

export type SavedConversation = Frozen<z.infer<typeof savedConversation>>;
export type ProbePlan = Frozen<z.infer<typeof probePlan>>;
export type ProbeJob = Frozen<z.infer<typeof probeJob>>;
export type ProbeRow = Frozen<z.infer<typeof probeRow>>;

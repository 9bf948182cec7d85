import { z } from 'zod';
import { type Frozen, report, status } from './report.ts';

const change = z.strictObject({
  where: z.string().describe('Exchanger and address, or the domain.'),
  what: z.string().describe('What changed, such as starttls or certificate.issuer.'),
  before: z.string().nullable(),
  after: z.string().nullable(),
  status,
});

export const mxDiff = z.strictObject({
  ...report.shape,
  before: z.iso.datetime(),
  after: z.iso.datetime(),
  changes: z.array(change),
});

export type MxDiffResult = Frozen<z.infer<typeof mxDiff>>;
export type MxChange = Frozen<z.infer<typeof change>>;

import { z } from 'zod';
import { type Frozen, report } from './report.ts';

export const dkimKeyMake = z.strictObject({
  ...report.shape,
  domain: z.string(),
  selector: z.string(),
  type: z.enum(['rsa-2048', 'rsa-3072', 'rsa-4096', 'ed25519']),
  file: z.string().describe('Where the private key is.'),
  name: z.string().describe('Name of the TXT record.'),
  record: z.string().describe('Its text in one piece.'),
  strings: z.array(z.string()).describe('Its text in pieces of at most 255 octets.'),
  zone: z.string().describe('The record as it stands in a zone file.'),
});

export type DkimKeyMakeResult = Frozen<z.infer<typeof dkimKeyMake>>;

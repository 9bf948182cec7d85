import { z } from 'zod';
import { messageCheck } from './message-check.ts';
import { messagePath } from './message-path.ts';
import { mxProbe } from './mx-probe.ts';
import { type Frozen, report } from './report.ts';
import { send } from './send.ts';

const transport = z.strictObject({
  story: z.literal('transport'),
  probes: z.array(mxProbe),
  send,
  arrived: z.int().describe('How often the message arrived.'),
  received: z.string().describe('Its Received field, as the server wrote it.'),
  path: messagePath,
});

const trust = z.strictObject({
  story: z.literal('trust'),
  messages: z.array(
    z.strictObject({
      name: z.string(),
      about: z.string().describe('What the message is, truly.'),
      check: messageCheck,
    }),
  ),
});

export const demo = z.strictObject({
  ...report.shape,
  stories: z.array(z.discriminatedUnion('story', [transport, trust])),
});

export type DemoResult = Frozen<z.infer<typeof demo>>;
export type TrustStory = Frozen<z.infer<typeof trust>>;
export type TransportStory = Frozen<z.infer<typeof transport>>;

import { z } from 'zod';
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

export const demo = z.strictObject({
  ...report.shape,
  stories: z.array(transport),
});

export type DemoResult = Frozen<z.infer<typeof demo>>;
export type TransportStory = Frozen<z.infer<typeof transport>>;

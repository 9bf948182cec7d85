import { z } from 'zod';
import { type Frozen, report } from './report.ts';

export const mxWorker = z.strictObject({
  ...report.shape,
  worker: z.string().describe('What the rows call it.'),
  queue: z.string(),
  concurrency: z.int(),
  probed: z.int().describe('Targets whose rows it handed in.'),
  givenBack: z.int().describe('Targets that it left to others when it stopped.'),
  refused: z.int().describe('Jobs that it did not take for what they are, or does not serve.'),
});

export type MxWorkerResult = Frozen<z.infer<typeof mxWorker>>;

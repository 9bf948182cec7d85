import { z } from 'zod';
import { type Frozen, report } from './report.ts';

const extension = z.strictObject({
  id: z.string(),
  name: z.string(),
  creator: z.string(),
  version: z.string(),
  active: z.boolean(),
  disabledBy: z.enum(['user', 'firefox']).nullable(),
  source: z
    .enum(['profile', 'system', 'other'])
    .describe('Installed by the user, brought by the operating system, or another way.'),
  path: z.string(),
  everyPage: z.boolean().describe('It may run a script in every page.'),
  isRoboForm: z.boolean(),
});

export const browserDiagnose = z.strictObject({
  ...report.shape,
  profiles: z.array(
    z.strictObject({
      name: z.string(),
      folder: z.string(),
      isDefault: z.boolean(),
      packaging: z.enum(['system', 'snap', 'flatpak']),
      use: z.enum(['free', 'in-use', 'unknown']).describe('Whether a Firefox has it open.'),
      roboform: z.enum(['enabled', 'disabled', 'absent', 'unknown']),
      extensions: z.array(extension),
    }),
  ),
});

export type BrowserDiagnoseResult = Frozen<z.infer<typeof browserDiagnose>>;

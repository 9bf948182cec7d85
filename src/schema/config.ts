import { z } from 'zod';
import { type Frozen, report } from './report.ts';

const file = z.strictObject({
  file: z.string(),
  found: z.boolean().describe('Whether it is there and was read; what is not there says nothing.'),
});

const setting = z.strictObject({
  command: z
    .string()
    .nullable()
    .describe('The only command that it is for; null for all that have the flag.'),
  flag: z.string(),
  value: z
    .union([z.string(), z.array(z.string())])
    .nullable()
    .describe('As it would be typed; null where nothing is set.'),
  origin: z.enum(['environment', 'file', 'built-in']),
  where: z.string().nullable().describe('The variable, or the file and line.'),
});

export const configShow = z.strictObject({
  ...report.shape,
  files: z.array(file),
  settings: z.array(setting),
});

export const configCheck = z.strictObject({ ...report.shape, files: z.array(file) });

export type ConfigShowResult = Frozen<z.infer<typeof configShow>>;
export type ConfigSetting = Frozen<z.infer<typeof setting>>;
export type ConfigCheckResult = Frozen<z.infer<typeof configCheck>>;

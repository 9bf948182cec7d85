import { describe, expect, test } from 'vitest';
import { commandIds, shell } from './helpers/run.ts';
import { SAMPLES } from './helpers/samples.ts';

describe('in a terminal', () => {
  const inTerminal = (command: string, env: Readonly<Record<string, string>>) =>
    shell(`script -qec "$POSTERN ${command}" /dev/null`, { TERM: 'xterm-256color', LANG: 'C.UTF-8', ...env });
  const csi = '\x1b[';

  test.for(commandIds.filter((id) => id !== 'completion'))(
    '%s has colour, and none with NO_COLOR, --color never or TERM=dumb',
    async (id) => {
      const command = `${id} ${(SAMPLES[id]?.[0] ?? []).join(' ')}`;
      expect((await inTerminal(command, {})).stdout).toContain(csi);
      expect((await inTerminal(command, { NO_COLOR: '1' })).stdout).not.toContain(csi);
      expect((await inTerminal(command, { TERM: 'dumb' })).stdout).not.toContain(csi);
      expect((await inTerminal(`${command} --color never`, {})).stdout).not.toContain(csi);
    },
  );

  test('a script for a shell has no colour, whoever asks for it', async () => {
    expect((await inTerminal('completion bash --color always', {})).stdout).not.toContain(csi);
  });

  test('the bare program has colour, and none with NO_COLOR', async () => {
    expect((await inTerminal('', {})).stdout).toContain(csi);
    expect((await inTerminal('', { NO_COLOR: '1' })).stdout).not.toContain(csi);
    expect((await inTerminal('mx probe --help', { NO_COLOR: '1' })).stdout).not.toContain(csi);
  });

  test('a missing address is asked for, and Ctrl-C ends with 130', async () => {
    const ran = await shell(
      `(sleep 1; printf '\\003') | script -qec "$POSTERN send --to b@example.org --offline" /dev/null`,
      { TERM: 'xterm' },
    );
    expect(ran.stdout).toContain('Envelope sender');
    expect(ran.exit).toBe(130);
  });
});

import { describe, expect, test } from 'vitest';
import { clean } from '../src/cli/clean.ts';
import { line, widthOf } from '../src/cli/text.ts';
import { needs } from './helpers/debian.ts';
import { root, shell } from './helpers/run.ts';

// Text in a terminal of a width. Left out is what must stand in one line to be copied: commands, records, addresses.

const TRUST = '--registry local.json --dns-cache dns.json --offline';

const COMMANDS = [
  '',
  'mx --help',
  'mx probe --help',
  'help exit-codes',
  'help environment',
  'help output',
  'message path ../forwarded.eml',
  `message check forged.eml listed.eml ${TRUST} --explain`,
  `message check listed.eml ${TRUST} --format text`,
  `spf check bank.example --ip 192.0.2.99 --dns-cache dns.json --offline`,
  'trust show bank.example shop.example freemail.example --registry local.json',
  'explain smtp.starttls.offered dkim.unsigned-header',
  'mx diff ../../test/fixtures/mx/before.json ../../test/fixtures/mx/after.json',
  'config show',
  'throttle',
  'throttle serve --help',
  'throttle simulate ../access.log',
  'report dmarc ../reports/dmarc.xml',
  'report tls ../reports/tls.json',
  `message view *.eml ${TRUST}`,
  `message view listed.eml ${TRUST}`,
  'mediator add --help',
  'login add --help',
  'validation client add --help',
  'demo trust',
];

/** What a terminal of so many columns shows. */
async function shown(
  command: string,
  columns: number,
  env: Readonly<Record<string, string>>,
): Promise<string> {
  const typed = `stty cols ${columns} rows 40 && $POSTERN ${command}`;
  const run = `cd ${root}examples/trust && script -qec '${typed}' /dev/null`;
  const { stdout } = await shell(run, { TERM: 'xterm-256color', LANG: 'C.UTF-8', SHELL: '/bin/sh', ...env });
  return stdout.replaceAll('\r\n', '\n');
}

const COLOUR = /\x1b\[[0-9;]*m/g;

describe.for([80, 200])('in %i columns', (columns) => {
  test.for(COMMANDS)('postern %s fits, and no line ends in a blank', async (command, context) => {
    needs(context, 'script', 'bsdutils');
    const text = await shown(command, columns, { NO_COLOR: '1' });
    expect(text.length).toBeGreaterThan(80);
    expect(clean(text.replaceAll('\n', ' '))).not.toContain('\\x1b');
    for (const each of text.split('\n')) {
      // An example is to be copied.
      if (each.startsWith('  $ postern ')) continue;
      expect(each).toBe(each.trimEnd());
      expect(widthOf(line`${each}`), each).toBeLessThanOrEqual(columns);
    }
  });
});

test.for(COMMANDS.filter((command) => !command.startsWith('demo')))(
  'colour adds nothing to the words of postern %s',
  async (command, context) => {
    needs(context, 'script', 'bsdutils');
    const [plain, coloured] = [
      await shown(command, 80, { NO_COLOR: '1' }),
      await shown(command, 80, { FORCE_COLOR: '1' }),
    ];
    expect(coloured).toMatch(COLOUR);
    expect(coloured.replaceAll(COLOUR, '')).toBe(plain);
  },
);

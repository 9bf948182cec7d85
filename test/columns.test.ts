import { describe, expect, test } from 'vitest';
import { clean } from '../src/cli/clean.ts';
import PosternHelp from '../src/cli/help.ts';
import { loadConfig } from '../src/cli/load-config.ts';
import { line, widthOf } from '../src/cli/text.ts';
import { needs } from './helpers/debian.ts';
import { commandIds, root, run, shell } from './helpers/run.ts';
import { SAMPLES } from './helpers/samples.ts';

// Text in a terminal of a width: some commands in a real one, all of them as if they were in one.

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
  'demo transport',
  'demo trust',
  'demo yubikey',
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

/** What is copied as it is: a record for a zone, and a path of which a line cannot have less. */
const WHOLE = /^[;\s]*(?:_?[\w-]+\.)+[\w.-]+ (?:IN )?(?:TLSA|TXT) |^.{0,30} \/\S{40,}$/;

function expectFit(text: string, columns: number): void {
  for (const each of text.split('\n')) {
    expect(each).toBe(each.trimEnd());
    if (!WHOLE.test(each)) expect(widthOf(line`${each}`), each).toBeLessThanOrEqual(columns);
  }
}

/** Run as if standard output were a terminal of a width. */
async function inColumns<T>(columns: number, work: () => Promise<T>): Promise<T> {
  const { isTTY, columns: width, getWindowSize } = process.stdout;
  const before = { isTTY, columns: width, getWindowSize };
  Object.assign(process.stdout, { isTTY: true, columns, getWindowSize: () => [columns, 40] });
  try {
    return await work();
  } finally {
    Object.assign(process.stdout, before);
  }
}

/** Each run of these changes something, or takes a different time. */
const NEVER_THE_SAME =
  /^(browser (backup [pr]|disable|undo)|dkim key make|doctor|mediator (?!list|diff|audit)|otp generate|srs forward|trust sync|throttle (?!top|explain|blocks|simulate|site list|site show|policy list)|validation (?!client list|key list|import|export))/;

describe.for(commandIds.filter((id) => id !== 'demo' && id !== 'completion'))('all of %s', (id) => {
  test('fits into 80 and 200 columns, and no line ends in a blank', async () => {
    for (const columns of [80, 200]) {
      const argv = [...(SAMPLES[id]?.[0] ?? []), '--color', 'never'];
      const ran = await inColumns(columns, () => run(id, argv));
      expect(ran.exit, ran.stderr).toBe(SAMPLES[id]?.[1]);
      expectFit(ran.stdout, columns);
    }
  });

  test('fits in a page of help of 80 and 200 columns', async () => {
    const config = await loadConfig(root, true);
    const command = config.findCommand(id.replaceAll(' ', ':'), { must: true });
    for (const columns of [80, 200])
      expectFit(new PosternHelp(config, { maxWidth: columns }).formatCommand(command), columns);
  });

  test('says with colour what it says without, and what it says in a pipe', async () => {
    if (NEVER_THE_SAME.test(id)) return;
    const argv = SAMPLES[id]?.[0] ?? [];
    const words = async (columns: number, color: string) =>
      (await inColumns(columns, () => run(id, [...argv, '--color', color]))).stdout;
    const [plain, coloured] = [await words(80, 'never'), await words(80, 'always')];
    expect(coloured.replaceAll(COLOUR, '')).toBe(plain);
    const { stdout } = await run(id, argv);
    const inWords = (text: string) => text.split(/\s+/).join(' ');
    if (!/…/.test(plain)) expect(inWords(stdout)).toBe(inWords(plain));
  });
});

const COLOUR = /\x1b\[[0-9;]*m/g;

describe.for([80, 200])('in %i columns', (columns) => {
  test.for(COMMANDS)('postern %s fits, and no line ends in a blank', async (command, context) => {
    needs(context, 'script', 'bsdutils');
    const text = await shown(command, columns, { NO_COLOR: '1' });
    expect(text.length).toBeGreaterThan(80);
    expect(clean(text.replaceAll('\n', ' '))).not.toContain('\\x1b');
    expectFit(text, columns);
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

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../src/cli/base.ts';
import { withEnvironment } from '../src/cli/flags.ts';
import { renderTransportStory, renderTrustStory } from '../src/cli/render/demo.ts';
import { dim, type Line, line, strong, table } from '../src/cli/text.ts';
import { checkTransport, statusOf, tellTransport } from '../src/demo/transport.ts';
import { startTransportLab, type TransportLab } from '../src/demo/transport-lab.ts';
import { AppError, ExitCode } from '../src/errors.ts';
import type { Check } from '../src/report.ts';
import type { DemoResult } from '../src/schema/demo.ts';

/** Every story there is, in the order in which they are told. */
const STORIES = ['transport', 'trust', 'yubikey', 'throttle', 'browser'] as const;

/** What each is about, for the list of the others. */
const QUESTION_OF: Readonly<Record<(typeof STORIES)[number], string>> = {
  transport: 'Was it encrypted, will it be?',
  trust: 'Do we trust who sent it?',
  yubikey: 'Who is logging in?',
  throttle: 'Who is hammering this site?',
  browser: 'Why is the webmail slow?',
};

/** A story as it went. */
type Told = {
  readonly story: DemoResult['stories'][number];
  readonly checks: readonly Check[];
  readonly lines: (columns: number) => readonly Line[];
};

export default class Demo extends BaseCommand {
  static override summary = 'Show the toolkit at work on this machine: no network, no privilege.';
  static override description =
    'Runs the same code that the commands run, on servers and messages made for it, tells what happened, and ends ' +
    'by itself. "transport": was it encrypted, on servers on loopback. "trust": who really sent this, on four ' +
    'messages. "yubikey": who is logging in, with a key in software. "throttle": who hammers this site, in some ten seconds. "browser": why is the ' +
    'webmail slow, with the Firefox of this machine, in half a minute; "all" tells it where there is one. With --keep the servers stay until Ctrl-C, and the flags that reach them are printed.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> trust',
    '<%= config.bin %> <%= command.id %> browser',
    '<%= config.bin %> <%= command.id %> --keep',
  ];
  static override args = {
    story: Args.string({
      description: 'Which story; "all" tells every one there is.',
      options: [...STORIES, 'all'],
      default: 'transport',
      ignoreStdin: true,
    }),
  };
  static override flags = withEnvironment({
    keep: Flags.boolean({ summary: 'Leave the servers of "transport" running until Ctrl-C.' }),
  });

  override async run(): Promise<DemoResult> {
    const { args, flags } = await this.parse(Demo);
    const wanted = STORIES.filter((story) => args.story === 'all' || args.story === story);
    if (flags.keep && !wanted.includes('transport')) throw nothingToKeep(args.story);
    const lab = wanted.includes('transport') ? await startTransportLab(Date.now()) : null;
    try {
      const told = [
        ...(lab ? [await this.transport(lab)] : []),
        ...(wanted.includes('trust') ? [await trust()] : []),
        ...(wanted.includes('yubikey')
          ? [await yubikey(this.signal, [process.execPath, join(this.config.root, 'bin', 'run.js')])]
          : []),
        ...(wanted.includes('throttle') ? [await throttle(this.signal)] : []),
        ...(wanted.includes('browser') ? await browser(args.story, this.signal) : []),
      ];
      const result = this.emit(resultOf(told), (_, columns) => [...layOut(told, columns), ...others(wanted)]);
      if (lab && flags.keep) await this.keep(lab);
      return result;
    } finally {
      await lab?.close();
    }
  }

  private async transport(lab: TransportLab): Promise<Told> {
    const story = await tellTransport(lab, this.signal);
    return {
      story,
      checks: checkTransport(story),
      lines: (columns) => renderTransportStory(story, columns),
    };
  }

  /** Tell how to reach the servers, and wait until somebody stops it. */
  private async keep(lab: TransportLab): Promise<void> {
    const folder = mkdtempSync(join(tmpdir(), 'postern-demo-'));
    const ca = join(folder, 'ca.pem');
    try {
      writeFileSync(ca, lab.caPem);
      const where = `--resolver ${lab.resolver} --port ${lab.port} --https-port ${lab.httpsPort} --no-cache --allow-private --ca ${ca}`;
      this.note([]);
      this.note(line`${strong('The servers are running. In another terminal:')}`);
      this.note(line`  postern mx probe good.test dane.test strict.test ${where}`);
      this.note(line`  postern send --from you@sender.test --to support@closes.test ${where}`);
      this.note(line`${dim('Ctrl-C ends them.')}`);
      await this.stopped();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
}

async function trust(): Promise<Told> {
  const { makeTrustLab } = await import('../src/demo/trust-lab.ts');
  const { checkTrust, tellTrust } = await import('../src/demo/trust.ts');
  const nowMs = Date.now();
  const lab = makeTrustLab(nowMs);
  const story = await tellTrust(lab, nowMs);
  return { story, checks: checkTrust(story, lab), lines: (columns) => renderTrustStory(story, columns) };
}

async function yubikey(signal: AbortSignal, program: readonly string[]): Promise<Told> {
  const { checkYubikey, tellYubikey } = await import('../src/demo/yubikey.ts');
  const { renderYubikeyStory } = await import('../src/cli/render/demo-yubikey.ts');
  const { speakingOf } = await import('../src/cli/desk.ts');
  const speaking = speakingOf({ 'timeout-answer': 2000, 'timeout-touch': 2000 }, signal);
  const story = await tellYubikey(speaking, program, Date.now());
  return { story, checks: checkYubikey(story), lines: (columns) => renderYubikeyStory(story, columns) };
}

async function throttle(signal: AbortSignal): Promise<Told> {
  const { startThrottleDemo } = await import('../src/demo/throttle-lab.ts');
  const { checkThrottle, tellThrottle } = await import('../src/demo/throttle.ts');
  const { renderThrottleStory } = await import('../src/cli/render/demo-throttle.ts');
  const lab = await startThrottleDemo(Date.now() >>> 0);
  try {
    const story = await tellThrottle(lab, signal);
    return { story, checks: checkThrottle(story), lines: (columns) => renderThrottleStory(story, columns) };
  } finally {
    await lab.close();
  }
}

/** The story of the slow webmail; nothing of "all" where there is no Firefox. */
async function browser(asked: string, signal: AbortSignal): Promise<readonly Told[]> {
  const { findFirefox } = await import('../src/browser/firefox.ts');
  const { surroundings } = await import('../src/cli/browser-profile.ts');
  const world = surroundings();
  const binary = findFirefox('', world);
  if (binary === undefined && asked === 'all') return [];
  if (binary === undefined) {
    throw new AppError('There is no Firefox on this machine.', {
      code: 'E_FIREFOX',
      exit: ExitCode.unavailable,
      hint: 'On Debian: apt-get install firefox-esr.',
    });
  }
  const { checkBrowser, tellBrowser } = await import('../src/demo/browser.ts');
  const { renderBrowserStory } = await import('../src/cli/render/demo-browser.ts');
  const story = await tellBrowser({ ...world, binary, signal, timeoutMs: 60_000, nowMs: Date.now() });
  return [{ story, checks: checkBrowser(story), lines: (columns) => renderBrowserStory(story, columns) }];
}

function resultOf(told: readonly Told[]): DemoResult {
  const checks = told.flatMap((each) => each.checks);
  const status = statusOf(checks);
  const summary =
    status === 'ok' ? 'The demonstration went as it should.' : 'The demonstration went another way.';
  return { target: null, status, summary, checks, stories: told.map(({ story }) => story) };
}

/** Two empty lines between stories. */
function layOut(told: readonly Told[], columns: number): readonly Line[] {
  return told.flatMap(({ lines }, index) => [...(index > 0 ? [[], []] : []), ...lines(columns)]);
}

function others(told: readonly string[]): readonly Line[] {
  const rest = STORIES.filter((story) => !told.includes(story));
  if (rest.length === 0) return [];
  return [
    [],
    line`${dim('Other stories')}`,
    ...table(
      rest.map((story) => [`postern demo ${story}`, dim(QUESTION_OF[story])]),
      2,
    ),
  ];
}

function nothingToKeep(story: string): AppError {
  return new AppError(`--keep: the story '${story}' has no servers.`, {
    code: 'E_USAGE',
    exit: ExitCode.usage,
    hint: 'It goes with "transport" and "all".',
  });
}

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAuthority } from '../../../src/lab/certificates.ts';
import { type MailLab, startMailServer } from '../../../src/lab/mail-server.ts';
import { documents } from '../../../src/schema/documents.ts';
import type { MxProbeResult } from '../../../src/schema/mx-probe.ts';
import { type Lab, startLab } from '../../helpers/lab.ts';
import { type Ran, runBuilt } from '../../helpers/run.ts';

/** The program as a stranger runs it, against servers that mean no good: it ends in time and says what it was. */

let lab: Lab;
/** A server whose certificate names what a terminal would obey. */
let evil: MailLab;

/** Sets a title, clears the screen, turns the direction of text. */
const CONTROLS = '\x1b]0;owned\x07\x1b[2J\x9b31m';
/** None of them as it is, in 7 or 8 bits; colours of our own are none of these. */
const OBEYED = /\x1b\]|\x1b\[2J|\x07|\x9b|\u202e/;

const HABITS = [
  'good',
  'tarpit',
  'hang-banner',
  'many-lines',
  'long-line',
  'greet-close',
  'not-smtp',
  'greet-450',
  'greet-421',
  'greet-554',
  'ehlo-busy',
  'refuse-454',
  'hang',
  'control-characters',
] as const;
type Name = (typeof HABITS)[number];

beforeAll(async () => {
  lab = await startLab(13, Object.fromEntries(HABITS.map((habit) => [`${habit}.test`, { habit }])), {
    'evil.test': { MX: [{ preference: 10, exchange: 'mx.evil.test' }] },
    'mx.evil.test': { A: ['127.1.13.200'] },
    '_smtp._tls.evil.test': { TXT: [[`v=TLSRPTv1; rua=mailto:${CONTROLS}@evil.test`]] },
    '_mta-sts.evil.test': { TXT: [[`v=STSv1; id=${CONTROLS}`]] },
  });
  const authority = await createAuthority('Hostile authority', Date.now());
  const certificates = [await authority.issue({ names: [`mx${CONTROLS}.evil.test`, `${CONTROLS}.test`] })];
  evil = await startMailServer({ hostname: 'mx.evil.test', certificates, host: '127.1.13.200' });
});
afterAll(() => Promise.all([lab.close(), evil.close()]));

const DEADLINES = '--timeout-banner 1s --timeout-command 1s --timeout-tls 1s --timeout-total 3s';

function probe(name: Name | 'evil', ...more: readonly string[]): Promise<Ran> {
  const { port } = name === 'evil' ? evil : lab;
  const flags = `--resolver ${lab.resolver} --port ${port} --allow-private --ehlo c.test ${DEADLINES}`;
  return runBuilt(['mx', 'probe', `${name}.test`, ...flags.split(' '), ...more]);
}

describe('each ends within its deadline with a check of its own', () => {
  test.for([
    ['tarpit', 'smtp.tarpit', /too slowly/],
    ['hang-banner', 'smtp.silent', /in time/],
    ['many-lines', 'smtp.reply.too-long', /more than 128 lines/],
    ['long-line', 'smtp.reply.too-long', /a line of/],
    ['greet-close', 'smtp.closed', /closed the connection/],
    ['not-smtp', 'smtp.protocol', /STARTTLS/],
  ] as const)('%s: %s', async ([name, id, words]) => {
    const ran = await probe(name, '--json');
    expect(ran.exit).toBe(3);
    const result = JSON.parse(ran.stdout) as MxProbeResult;
    documents['postern/mx-probe/1'].parse(result);
    const [address] = result.hosts.flatMap(({ addresses }) => addresses);
    expect(address).toMatchObject({ status: 'unknown', starttls: 'unknown', tls: null });
    expect(address?.checks.find((check) => check.id === id)?.message).toMatch(words);
    // The deadline of the greeting, as the probe itself measured it, and what a busy machine adds.
    expect(address?.elapsedMs).toBeLessThan(15_000);
    const text = await probe(name);
    expect(text.exit).toBe(3);
    expect(text.stdout).not.toMatch(/not offered/);
    expect(`${text.stdout}${text.stderr}`.length).toBeLessThan(4000);
  });

  test('a handshake that is never answered is critical: STARTTLS was offered', async () => {
    const ran = await probe('hang', '--json');
    expect(ran.exit).toBe(2);
    const { hosts } = JSON.parse(ran.stdout) as MxProbeResult;
    expect(hosts[0]?.addresses[0]?.checks).toContainEqual(
      expect.objectContaining({ id: 'tls.handshake', status: 'crit' }),
    );
  });
});

describe('greylisting, a rate limit and a refusal turn no build red', () => {
  const PASSING = ['greet-450', 'greet-421', 'greet-554', 'ehlo-busy', 'refuse-454'] as const;

  test.for(PASSING)('%s: exit 3', async (name) => {
    expect((await probe(name)).exit).toBe(3);
  });

  test.for(PASSING)('%s: exit 0 with --unknown ok, and 2 when asked with --unknown crit', async (name) => {
    const ran = await probe(name, '--unknown', 'ok', '--json');
    expect(ran.exit).toBe(0);
    expect(JSON.parse(ran.stdout).status).toBe('unknown');
    expect((await probe(name, '--unknown', 'crit')).exit).toBe(2);
  });

  test('--retries asks again', async () => {
    const before = lab.server('greet-450.test').connections;
    expect((await probe('greet-450', '--retries', '2', '--retry-wait', '1')).exit).toBe(3);
    expect(lab.server('greet-450.test').connections - before).toBe(3);
  });
});

test.for(['control-characters', 'evil'] as const)(
  'what a greeting, a certificate and TXT records hold never reaches the terminal as it is: %s',
  async (name) => {
    const text = await probe(name, '--color', 'always', '--transcript');
    expect([0, 1, 2, 3]).toContain(text.exit);
    expect(text.stdout).toContain(`mx.${name}.test`);
    expect(`${text.stdout}${text.stderr}`).not.toMatch(OBEYED);
    const json = await probe(name, '--json');
    documents['postern/mx-probe/1'].parse(JSON.parse(json.stdout));
    expect(json.stdout).not.toMatch(OBEYED);
  },
);

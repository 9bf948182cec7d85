// All benches in one run, each of ours beside its peer on the same machine at the same time; only the ratios mean
// something elsewhere.
//   npm run bench [-- --page]        --page writes docs/figures.md of what was printed
// Needs a build; the readers of Received are compared over the conformance data (POSTERN_CONFORMANCE).
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Longest that one may take, in milliseconds. */
const MOST_MS = 600_000;

const benches = [
  {
    title: 'Start-up beside a bare Node',
    argv: ['start-up.ts', '7'],
    about:
      'Medians of runs in turn. Node itself is the peer: nothing that is written for it can start sooner.',
  },
  {
    title: 'Received fields beside mailauth',
    argv: ['received.ts', '--repeat', '300'],
    about:
      'CPU time over the same lines. Above 1 we are faster. mailauth splits a field; ours also says which hop was encrypted, and a row has three times the bytes.',
  },
  {
    title: 'DKIM of 1,000 messages beside opendkim, dkimpy and mailauth',
    argv: ['check.ts', '--turns', '1'],
    about:
      'Messages per CPU-second of `message check --only dkim`. Above 1 we are faster than the best of the peers in that line. Rates are those after the first pass over the messages, on every side; ours is told apart, as code is compiled while it runs.',
  },
  {
    title: 'Probing 200 servers beside posttls-finger',
    argv: ['probes.ts', '1'],
    about:
      'Servers behind a round trip of 100 ms. Below 1 we are faster. Ours looks up MX, DANE, MTA-STS and TLS-RPT of each as well.',
  },
  {
    title: 'A list of a million trusted domains',
    argv: ['registry.ts'],
    about: 'No peer: nobody else has such a list. The limits are our own.',
  },
  {
    title: 'Validation beside yubiserver',
    argv: ['validation.ts', '4'],
    about:
      'Fresh OTPs a second over 16 connections, each on the disk before its answer. Above 1 we are faster; of the answers of the peer only the right ones count.',
  },
  {
    title: 'A log of a website, read for all presets',
    argv: ['simulate.ts'],
    about: 'Lines in a CPU-second. No peer: nobody else answers that question.',
  },
  {
    title: 'A million clients of a website',
    argv: ['engine.ts'],
    about: 'The limits are our own: a microsecond a check, 200 MB.',
  },
  {
    title: 'Enforcement beside the same web server without it',
    argv: ['throttle.ts', '--rounds', '2', '--seconds', '3'],
    about:
      'Requests a second as a part of those without throttling, servers on one core and clients on another.',
  },
  {
    title: 'Logins',
    argv: ['logins.ts'],
    about: 'Argon2id and a bare Node are what cannot be less.',
  },
] as const;

/** Load of the last minute, before there is one of our own. */
const [before = 0] = loadavg();

const parts = benches.map(({ title, argv: [script, ...rest], about }) => {
  const { stdout, stderr, status } = spawnSync(process.execPath, [at(script), ...rest], {
    encoding: 'utf8',
    timeout: MOST_MS,
  });
  const ran = status === 0;
  const reason = stderr.trim().split('\n')[0] || `it took more than ${MOST_MS / 1000} s`;
  const text = ran ? stdout.trimEnd() : `not measured: ${reason}`;
  process.stdout.write(`== ${title}\n${text}\n\n`);
  return { ran, text: `## ${title}\n\n${about}\n\n\`\`\`text\n${text}\n\`\`\`\n` };
});

const ran = parts.every((part) => part.ran);
if (!ran) process.exitCode = 1;
if (process.argv.includes('--page') && ran)
  writeFileSync(
    at('../docs/figures.md'),
    `# Figures

What \`npm run bench -- --page\` measured, and wrote here. Times are those of the machine on which it ran, with whatever
else it did; ours and the peer's are from the same run, in turn, so the ratios hold elsewhere, the more the quieter it was: ${availableParallelism()} processors with a load of ${before.toFixed(1)} before it began.

${parts.map(({ text }) => text).join('\n')}`,
  );

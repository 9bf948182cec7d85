import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** What a run took: wall time, and the most memory the process itself ever had, in MiB (null: not looked at). */
export type Measured = { readonly ms: number; readonly peakMib: number | null; readonly exit: number | null };

/** VmHWM of a process, in MiB; null when it is gone. */
function peakOf(pid: number): number | null {
  try {
    const kib = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kib === undefined ? null : Number(kib) / 1024;
  } catch {
    return null;
  }
}

/** Run a program to its end with a text on its standard input. */
export async function measure(
  argv: readonly string[],
  { input = '', env = process.env }: { input?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<Measured> {
  const [program = '', ...rest] = argv;
  const startedMs = performance.now();
  const child = spawn(program, rest, { stdio: ['pipe', 'ignore', 'ignore'], env });
  let peakMib: number | null = null;
  const look = setInterval(() => {
    peakMib = peakOf(child.pid ?? 0) ?? peakMib;
  }, 20);
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const [exit] = (await once(child, 'close')) as [number | null];
  clearInterval(look);
  return { ms: performance.now() - startedMs, peakMib, exit };
}

/** What a laboratory of many servers says when it is ready, and when it ends. */
export type Many = {
  readonly port: number;
  readonly dns: number;
  readonly addresses: readonly string[];
  stop(): Promise<{ readonly most: number; readonly all: number }>;
};

/** Start {@link file://./lab-of-many.ts} in a process of its own. */
export async function startMany(servers: number, domains: number, delayMs: number): Promise<Many> {
  const script = fileURLToPath(new URL('lab-of-many.ts', import.meta.url));
  const child: ChildProcess = spawn(process.execPath, [script, ...[servers, domains, delayMs].map(String)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (!child.stdout) throw new Error('the laboratory has no output');
  const lines = createInterface({ input: child.stdout });
  const next = async () => JSON.parse(((await once(lines, 'line')) as [string])[0]);
  return {
    ...(await next()),
    stop: async () => {
      const counted = next();
      child.kill('SIGTERM');
      return counted;
    },
  };
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

import { promisify } from 'node:util';
import { deflateRaw, inflateRaw } from 'node:zlib';
import type { Script } from '../redis/server.ts';
import type { ProbeRow } from '../schema/probe-job.ts';
import type { Link } from './link.ts';
import { jobIdOf, KEEP_MS, keys } from './names.ts';
import { parse } from './saved-conversation.ts';

/** Largest row, in bytes. */
const MAX_ROW = 8 * 1024 * 1024;

const deflate = promisify(deflateRaw);
const inflate = promisify(inflateRaw);

/**
 * Keep the row of a job that is still there: what a worker says that was long given up for dead is not wanted.
 * KEYS: job, rows. ARGV: field, row, time to keep, channel.
 */
const KEEP: Script = {
  name: 'posternKeep',
  lua: `
    if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
    redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
    redis.call('PEXPIRE', KEYS[2], ARGV[3])
    redis.call('PUBLISH', ARGV[4], ARGV[1])
    return 1`,
};

async function packRow(row: ProbeRow): Promise<string> {
  return (await deflate(JSON.stringify(row))).toString('base64');
}

/** @returns undefined for what is no row, as whoever can write to the queue may have made it */
async function unpackRow(packed: string): Promise<ProbeRow | undefined> {
  const text = await inflate(Buffer.from(packed, 'base64'), { maxOutputLength: MAX_ROW }).catch(() => null);
  if (text === null) return undefined;
  const { probeRow } = await import('../schema/probe-job.ts');
  return probeRow.safeParse(parse(text.toString('utf8'))).data;
}

/** Hand in the row of a job. @returns false when nobody wants it any more */
export async function keepRow(link: Link, run: string, field: string, row: ProbeRow): Promise<boolean> {
  const packed = await packRow(row);
  return (
    (await link.run(
      KEEP,
      [keys.job(jobIdOf(run, field)), keys.rows(run)],
      [field, packed, KEEP_MS, keys.news(run)],
    )) === 1
  );
}

/** Rows of a run that are there, by field; undefined for what stands there and is no row. */
export async function rowsOf(
  { redis }: Link,
  run: string,
  fields: readonly string[],
): Promise<Map<string, ProbeRow | undefined>> {
  const packed = fields.length === 0 ? [] : await redis.hmget(keys.rows(run), ...fields);
  const found = fields.flatMap((field, index) => {
    const text = packed[index];
    return text === null || text === undefined ? [] : [{ field, text }];
  });
  return new Map(
    await Promise.all(found.map(async ({ field, text }) => [field, await unpackRow(text)] as const)),
  );
}

/** Which rows of a run are there. */
export async function fieldsThere({ redis }: Link, run: string): Promise<Set<string>> {
  return new Set(await redis.hkeys(keys.rows(run)));
}

/** Forget rows. */
export async function dropRows({ redis }: Link, run: string, fields: readonly string[]): Promise<void> {
  if (fields.length > 0) await redis.hdel(keys.rows(run), ...fields);
}

/** Forget rows that told nothing, and what servers have said, so that they are asked anew. */
export async function dropAnswers(link: Link, run: string, fields: readonly string[]): Promise<void> {
  await dropRows(link, run, fields);
  await link.redis.del(keys.said(run), keys.order(run));
}

/** Forget a run that is over. */
export async function dropRun({ redis }: Link, run: string): Promise<void> {
  await redis.del(keys.rows(run), keys.said(run), keys.order(run));
}

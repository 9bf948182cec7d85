/**
 * Verify a list of messages with mailauth, strictly, answers from a recording, a row for each, for ../check.ts.
 *
 *   node bench/peers/dkim-mailauth.ts DNS LIST
 */
import { readFileSync } from 'node:fs';
import { dkimVerify } from 'mailauth/lib/dkim/verify.js';

const [dns = '', list = ''] = process.argv.slice(2);
const records = JSON.parse(readFileSync(dns, 'utf8')) as Record<string, { TXT: string[][] }>;
const resolver = async (name: string) => records[name]?.TXT ?? [];
for (const name of readFileSync(list, 'utf8').trim().split('\n')) {
  const { results } = await dkimVerify(readFileSync(name), { strict: true, resolver });
  const verdict = results[0]?.status?.result;
  console.log(name, verdict);
  if (verdict !== 'pass') process.exitCode = 1;
}

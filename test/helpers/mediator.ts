import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keyRecord } from '../../src/lab/dkim-signer.ts';
import { run } from './run.ts';

export const ANN = 'Ann Checker';
export const BEN = 'Ben Second';

/** What the DNS says of a company that nothing speaks against. */
export function companyZone(domain: string, challenge: string): Record<string, unknown> {
  const { privateKey } = generateKeyPairSync('ed25519');
  return {
    [domain]: { TXT: [['v=spf1 ip4:192.0.2.20 -all']], A: ['192.0.2.20'] },
    [`_dmarc.${domain}`]: { TXT: [['v=DMARC1; p=reject']] },
    [`s1._domainkey.${domain}`]: { TXT: [keyRecord(privateKey)] },
    [`_trust-challenge.${domain}`]: { TXT: [[challenge]] },
  };
}

/** A mediator in a folder of its own. */
export type MediatorLab = {
  readonly folder: string;
  readonly zone: Record<string, unknown>;
  /** Run a command for it; what it prints as JSON. */
  act(
    verb: string,
    ...argv: string[]
  ): Promise<{ exit: number; result: Record<string, unknown>; stderr: string }>;
  /** Vet with the DNS of `zone`. */
  vet(entry: string, actor: string, ...argv: string[]): ReturnType<MediatorLab['act']>;
  /** Add, vet and approve a company. */
  list(entry: string, domain: string): Promise<void>;
};

export async function mediatorLab(): Promise<MediatorLab> {
  const folder = join(mkdtempSync(join(tmpdir(), 'postern-mediator-')), 'office');
  const zone: Record<string, unknown> = {};
  const act: MediatorLab['act'] = async (verb, ...argv) => {
    const ran = await run(`mediator ${verb}`, [...argv, '--folder', folder, '--json']);
    return { exit: ran.exit ?? -1, result: JSON.parse(ran.stdout || 'null'), stderr: ran.stderr };
  };
  const vet: MediatorLab['vet'] = (entry, actor, ...argv) => {
    const file = join(folder, 'dns.json');
    writeFileSync(file, JSON.stringify(zone));
    const dns = ['--offline', '--dns-cache', file];
    const said = ['--level', 'organization', '--single-company', '--selector', 's1'];
    return act('vet', entry, '--actor', actor, ...said, ...dns, ...argv);
  };
  await act('init', 'mediator.example', '--name', 'Example Mediator', '--actor', ANN);
  return {
    folder,
    zone,
    act,
    vet,
    async list(entry, domain) {
      const { result } = await act('challenge', domain, '--actor', ANN);
      Object.assign(zone, companyZone(domain, String(result['value'])));
      await act('add', entry, domain, '--name', 'Example Bank', '--type', 'transaction', '--actor', ANN);
      await vet(entry, ANN);
      await act('approve', entry, '--actor', BEN, '--yes');
    },
  };
}

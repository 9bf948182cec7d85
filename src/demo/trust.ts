import { checkMessage } from '../check/check.ts';
import { recordedResolver } from '../dns/recorded.ts';
import { readHeader } from '../message/headers.ts';
import type { Check } from '../report.ts';
import type { TrustStory } from '../schema/demo.ts';
import { knowledge } from '../trust/knowledge.ts';
import { readOverrides } from '../trust/overrides.ts';
import { readRegistry } from '../trust/registry.ts';
import { REGISTRY_FILE, type TrustLab } from './trust-lab.ts';

/** Tell the story: check each message with the code of `message check`, against the lists of the laboratory. */
export async function tellTrust(lab: TrustLab, nowMs: number): Promise<TrustStory> {
  const { overrides } = readOverrides(Buffer.from(JSON.stringify(lab.local)), 'local.json');
  const registries = [readRegistry(Buffer.from(JSON.stringify(lab.registry)), REGISTRY_FILE)];
  const options = {
    given: {},
    recipient: null,
    asOfMs: null,
    nowMs,
    dns: recordedResolver(lab.dns),
    knowledge: knowledge({ registries, overrides }),
    policy: {},
  };
  const messages = lab.scenes.map(async ({ name, about, bytes }) => {
    const input = { target: `${name}.eml`, bytes, cut: false, header: readHeader(bytes) };
    return { name, about, check: await checkMessage(input, options) };
  });
  return { story: 'trust', messages: await Promise.all(messages) };
}

/** What the story should have shown; a demonstration that goes another way is a finding. */
export function checkTrust({ messages }: TrustStory, { scenes }: TrustLab): Check[] {
  return scenes.map(({ name, verdict }) => {
    const seen = messages.find((each) => each.name === name)?.check.verdict ?? 'missing';
    return {
      id: `demo.trust.${name}`,
      status: seen === verdict ? 'ok' : 'crit',
      message: `The message ${name}.eml is ${seen}${seen === verdict ? '' : `, and should be ${verdict}`}.`,
    };
  });
}

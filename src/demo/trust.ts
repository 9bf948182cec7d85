import { checkMessage } from '../check/check.ts';
import { recordedResolver } from '../dns/recorded.ts';
import { readHeader } from '../message/headers.ts';
import { instant } from '../registry/documents.ts';
import type { Check } from '../report.ts';
import type { TrustStory } from '../schema/demo.ts';
import { knowledge } from '../trust/knowledge.ts';
import { readOverrides } from '../trust/overrides.ts';
import type { Registry } from '../trust/registry.ts';
import type { TrustLab, TrustScene } from './trust-lab.ts';
import { storyMediator } from './trust-mediator.ts';

/**
 * Tell the story: check each message with the code of `message check`, against the lists of the laboratory as a reader
 * fetches and verifies them; then the mediator revokes the company, and the same message is checked again.
 */
export async function tellTrust(lab: TrustLab, nowMs: number): Promise<TrustStory> {
  const { overrides } = readOverrides(Buffer.from(JSON.stringify(lab.local)), 'local.json');
  const { mediator, entries } = lab.registry;
  const publisher = storyMediator(mediator.id, mediator.name, nowMs);
  const dns = recordedResolver(lab.dns);
  const check = ({ name, bytes }: TrustScene, registries: readonly Registry[]) =>
    checkMessage(
      { target: `${name}.eml`, bytes, cut: false, header: readHeader(bytes) },
      {
        given: {},
        recipient: null,
        asOfMs: null,
        nowMs,
        dns,
        knowledge: knowledge({ registries, overrides }),
        policy: {},
      },
    );
  publisher.publish(entries);
  const first = await publisher.sync();
  const messages = await Promise.all(
    lab.scenes.map(async (scene) => ({
      name: scene.name,
      about: scene.about,
      check: await check(scene, [first.registry]),
    })),
  );
  const reason = 'the domain was sold';
  publisher.publish(entries.map((entry) => ({ ...entry, ...revoked(nowMs, reason) })));
  const second = await publisher.sync();
  const listed = lab.scenes.filter(({ name }) => name === 'listed');
  const [again] = await Promise.all(listed.map((scene) => check(scene, [second.registry])));
  return {
    story: 'trust',
    messages,
    revocation: again === undefined ? null : { list: second.version, reason, check: again },
  };
}

function revoked(nowMs: number, reason: string) {
  return { status: 'revoked', revokedAt: instant(nowMs), reason };
}

/** What the story should have shown; a demonstration that goes another way is a finding. */
export function checkTrust({ messages, revocation }: TrustStory, { scenes }: TrustLab): Check[] {
  const told = scenes.map(({ name, verdict }) => {
    const seen = messages.find((each) => each.name === name)?.check.verdict ?? 'missing';
    return {
      id: `demo.trust.${name}`,
      status: seen === verdict ? 'ok' : 'crit',
      message: `The message ${name}.eml is ${seen}${seen === verdict ? '' : `, and should be ${verdict}`}.`,
    } as const;
  });
  return [...told, revocationCheck(revocation)];
}

function revocationCheck(revocation: TrustStory['revocation']): Check {
  const id = 'demo.trust.revocation';
  const seen = revocation?.check.verdict ?? 'missing';
  return seen === 'authenticated'
    ? { id, status: 'ok', message: 'After the revocation listed.eml is no longer trusted.' }
    : { id, status: 'crit', message: `After the revocation listed.eml is ${seen}.` };
}

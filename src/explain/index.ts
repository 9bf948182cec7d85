import { deceptionExplanations, structureExplanations } from './author.ts';
import { browserExplanations } from './browser.ts';
import { configExplanations } from './config.ts';
import { diffExplanations, requireExplanations } from './demands.ts';
import { dkimExplanations } from './dkim.ts';
import { dnsExplanations } from './dns.ts';
import { dnsblExplanations } from './dnsbl.ts';
import { importExplanations } from './import.ts';
import { listSyncExplanations } from './list-sync.ts';
import { localExplanations } from './local.ts';
import { loginExplanations } from './login.ts';
import { mediatorExplanations } from './mediator.ts';
import { HOP_MARKS, pathExplanations } from './path.ts';
import { daneExplanations, mtaStsExplanations, policyExplanations } from './promises.ts';
import { registryExplanations } from './registry.ts';
import { reportExplanations } from './reports.ts';
import { sendExplanations } from './send.ts';
import { senderExplanations } from './sender.ts';
import { smtpExplanations } from './smtp.ts';
import { spfExplanations } from './spf.ts';
import { srsExplanations } from './srs.ts';
import { throttleExplanations } from './throttle.ts';
import { certExplanations, tlsExplanations } from './tls.ts';
import type { Explanation } from './types.ts';
import { validationExplanations } from './validation.ts';
import { verdictExplanations } from './verdict.ts';
import { viewExplanations } from './view.ts';
import { yubikeyExplanations } from './yubikey.ts';

/** What there is to know about every check, by its id, and about every reason of a verdict, by its code. */
export const EXPLANATIONS: ReadonlyMap<string, Explanation> = new Map(
  [
    ...smtpExplanations,
    ...tlsExplanations,
    ...certExplanations,
    ...daneExplanations,
    ...mtaStsExplanations,
    ...policyExplanations,
    ...dnsExplanations,
    ...localExplanations,
    ...pathExplanations,
    ...listSyncExplanations,
    ...loginExplanations,
    ...mediatorExplanations,
    ...reportExplanations,
    ...sendExplanations,
    ...senderExplanations,
    ...validationExplanations,
    ...verdictExplanations,
    ...spfExplanations,
    ...dkimExplanations,
    ...structureExplanations,
    ...deceptionExplanations,
    ...registryExplanations,
    ...dnsblExplanations,
    ...srsExplanations,
    ...throttleExplanations,
    ...configExplanations,
    ...requireExplanations,
    ...diffExplanations,
    ...importExplanations,
    ...yubikeyExplanations,
    ...browserExplanations,
    ...viewExplanations,
  ].map((each) => [each.id, each]),
);

/**
 * The text for a check's id or a reason's code; what stands behind the colon of a code (`dnsbl.listed:LIST`) names
 * the case and has no text of its own. The mark of a hop has that of the check that tells of it.
 */
export function explanationOf(id: string): Explanation | undefined {
  return EXPLANATIONS.get(id) ?? EXPLANATIONS.get(HOP_MARKS.get(id) ?? id.replace(/:.*$/s, ''));
}

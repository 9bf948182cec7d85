import { configExplanations } from './config.ts';
import { diffExplanations, requireExplanations } from './demands.ts';
import { dnsExplanations } from './dns.ts';
import { localExplanations } from './local.ts';
import { pathExplanations } from './path.ts';
import { daneExplanations, mtaStsExplanations, policyExplanations } from './promises.ts';
import { sendExplanations } from './send.ts';
import { smtpExplanations } from './smtp.ts';
import { certExplanations, tlsExplanations } from './tls.ts';
import type { Explanation } from './types.ts';
import { viewExplanations } from './view.ts';

/** What there is to know about every check, by its id. */
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
    ...sendExplanations,
    ...configExplanations,
    ...requireExplanations,
    ...diffExplanations,
    ...viewExplanations,
  ].map((each) => [each.id, each]),
);

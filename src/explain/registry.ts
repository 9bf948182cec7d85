import type { Explanation } from './types.ts';

/** What the lists say: of trusted domains, of domains where anybody signs up, and the administrator's own. */
export const registryExplanations: readonly Explanation[] = [
  {
    id: 'registry.active',
    what: 'A list, or your local one, vouches for the author’s domain today. Behind the colon stands the entry.',
    why: 'It is one half of trust; the other is a DKIM signature of that domain that is good by every point.',
    fix: 'Nothing.',
  },
  {
    id: 'registry.logo',
    what: 'Logos that a list names and that could not be fetched with it.',
    why: 'A logo is kept only if it is the very file that the list names by its digest. The list itself is not touched by it.',
    fix: 'Run "postern trust sync" again; tell the mediator if it stays.',
  },
  {
    id: 'registry.none',
    what: 'No list vouches for the author’s domain.',
    why: 'Its mail can be authenticated and not trusted: who owns the domain is not known.',
    fix: 'Name a list with --registry; "postern trust show DOMAIN" tells what it knows. For a partner of your own, add the domain under "trust" to the local list.',
  },
  {
    id: 'registry.other-signer',
    what: 'The signature is good, and the list names other signing domains or selectors.',
    why: 'The company said with which keys it signs. Another key may be that of a service it does not know of.',
    fix: 'Let the company sign as listed, or have its entry changed.',
  },
  {
    id: 'registry.subdomain-excluded',
    what: 'The list has a domain above this one, and vouches for that alone.',
    why: 'Companies hand out names below theirs, to customers as well; so subdomains count only where the entry says so.',
    fix: 'Have the subdomain added to the entry.',
  },
  {
    id: 'registry.revoked',
    what: 'A list has revoked the entry of the domain.',
    why: 'One revocation outweighs every other list: the domain was sold, taken over, or the company is gone.',
    fix: 'Treat mail of the domain with care; the mediator that is named knows the reason.',
  },
  {
    id: 'registry.suspended',
    what: 'A list has suspended the entry of the domain.',
    why: 'Something is being looked into. Until then the domain cannot be trusted, whoever else vouches.',
    fix: 'Wait, or ask the mediator that is named.',
  },
  {
    id: 'registry.stale',
    what: 'The list is older than it says it may be, or is dated in the future.',
    why: 'It does not know of revocations since, so it vouches for nobody. What it revoked stays revoked.',
    fix: 'Fetch a current copy of the list; see that the clock of this machine is right.',
  },
  {
    id: 'registry.expired',
    what: 'The entry of the domain has run out.',
    why: 'The mediator vouched until then and not longer.',
    fix: 'The company has its entry renewed.',
  },
  {
    id: 'registry.not-yet',
    what: 'The entry of the domain begins in the future.',
    why: 'The mediator does not vouch yet.',
    fix: 'Wait until the day that is named, or check the clock.',
  },
  {
    id: 'registry.review-overdue',
    what: 'The mediator was to look at the company again, and has not.',
    why: 'What was true a year ago says less today. It still vouches.',
    fix: 'Ask the mediator.',
  },
  {
    id: 'registry.shared-domain',
    what: 'The list says that the domain is not of one company alone.',
    why: 'A signature of it does not tell who wrote, so it cannot be trusted.',
    fix: 'Nothing; the company needs a domain of its own for that.',
  },
  {
    id: 'registry.open-signup',
    what: 'The list itself says that anybody can get an address of the domain.',
    why: 'A genuine signature then proves an account, not a company.',
    fix: 'Nothing.',
  },
  {
    id: 'registry.unavailable',
    what: 'A list that is configured could not be had.',
    why: 'It may vouch for the domain, or have revoked it: neither is known.',
    fix: 'Look at the path and at the permissions of its file.',
  },
  {
    id: 'registry.local-block',
    what: 'The local list says that the domain is not to be trusted.',
    why: 'Your decision outweighs every list. Its mail can still be authenticated.',
    fix: 'Take the domain from "block" of the local list, if that has changed.',
  },
  {
    id: 'local.block',
    what: 'The author’s domain, or one that signed, is blocked by the local list.',
    why: 'Your decision: its mail is suspicious, whatever it proves.',
    fix: 'Take the domain from "block" of the local list, or give it "from": "trust" so that it only cannot be trusted.',
  },
  {
    id: 'local.world-writable',
    what: 'Everybody on this machine may write the local list.',
    why: 'Whoever writes it decides whom you trust.',
    fix: 'Run "chmod o-w" on the file.',
  },
  {
    id: 'open-signup.listed',
    what: 'A domain where anybody can get an address: free mail, or addresses to throw away. Behind the colon stands the list that says so.',
    why: 'A genuine message from there proves that somebody has an account, not who that is. It is never trusted.',
    fix: 'Nothing; read the name in front of the address with care.',
  },
  {
    id: 'open-signup.removed',
    what: 'The local list takes a domain from those where anybody signs up.',
    why: 'Its mail counts as authenticated then. To be trusted it needs --force as well, so that one mistake is not enough.',
    fix: 'Take it from "openSignup.remove" of the local list, if it was a mistake.',
  },
  {
    id: 'open-signup.forced',
    what: 'A domain where anybody signs up is trusted, because the local list names it and --force was given.',
    why: 'Anybody who gets an address there is trusted now.',
    fix: 'Leave --force out.',
  },
];

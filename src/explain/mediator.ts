import type { Explanation } from './types.ts';

export const mediatorExplanations: readonly Explanation[] = [
  {
    id: 'vetting.domain',
    what: 'Whether a domain that a company wants to be vouched for is there.',
    why: 'A name that nobody holds can be registered by anybody.',
    fix: 'Check the spelling, and whether it is registered and delegated.',
  },
  {
    id: 'vetting.open-signup',
    what: 'Whether anybody can get an address at the domain.',
    why: 'A signature of such a domain says nothing about who wrote a message, so nobody can vouch for it.',
    fix: 'Send from a domain that is the company’s alone.',
  },
  {
    id: 'vetting.public-suffix',
    what: 'Whether anybody can get a name below the domain.',
    why: 'What is signed by a public suffix can come from any of its customers.',
    fix: 'Send from a domain that is the company’s alone.',
  },
  {
    id: 'vetting.dmarc',
    what: 'Whether the domain asks receivers to refuse or set apart mail that only claims to be from it.',
    why: 'Readers learn that mail of a listed company is green; what only looks like it has to stay out.',
    fix: 'Publish p=quarantine or p=reject, after the reports have shown that all of your own mail passes.',
    ref: 'RFC 9989',
  },
  {
    id: 'vetting.dkim',
    what: 'Whether the keys that the company signs with can be found and are long enough.',
    why: 'Trust stands on the signature alone: a short key can be broken, and a key in test mode counts for nothing.',
    fix: 'Make a new key with postern dkim key make, and name its selector with --selector.',
    ref: 'RFC 8301 §3.2',
  },
  {
    id: 'vetting.challenge',
    what: 'Whether the domain publishes the value that the mediator gave to the company.',
    why: 'It shows that whoever asks to be listed controls the domain. Two resolvers make it harder to lie about it.',
    fix: 'Publish the TXT record that postern mediator challenge printed.',
  },
  {
    id: 'vetting.overlap',
    what: 'Whether another company has one of the domains, or one above or below it.',
    why: 'One domain cannot be two companies’.',
    fix: 'Find out whose it is, and suspend or revoke the other entry if it was sold.',
  },
  {
    id: 'vetting.single-company',
    what: 'Whether nobody but the company has addresses at the domains.',
    why: 'The name that readers are shown is the company’s, whoever of the domain wrote.',
    fix: 'Have the company send from a domain of its own.',
  },
  {
    id: 'watch.look-alike',
    what: 'Whether a name that can be taken for a listed domain has an exchanger, or stands on the list itself.',
    why: 'Whoever holds it can write in the name of the company to people who look in a hurry.',
    fix: 'Tell the company. A look-alike on the list is suspended until it is known which is genuine.',
  },
  {
    id: 'watch.mx',
    what: 'Whether mail to a listed domain goes to a provider where anybody can sign up.',
    why: 'A domain that changed hands often shows it there first.',
    fix: 'Ask the company, and vet the entry anew.',
  },
  {
    id: 'vetting.bimi',
    what: 'What the domain says about its logo (BIMI).',
    why: 'A company that declines a logo there may not want one on the list either.',
    fix: 'Ask the company.',
  },
  {
    id: 'mediator.entry',
    what: 'How long a company is vouched for.',
    why: 'After its term it is not trusted any more; a company can be sold in a year.',
    fix: 'Vet it anew and let a second person renew it.',
  },
  {
    id: 'mediator.journal',
    what: 'Whether every line of the journal follows from the one before, and every act was allowed.',
    why: 'The list is made from the journal; what was slipped into it would be signed.',
    fix: 'Take the last copy that holds, and find out who changed it.',
  },
  {
    id: 'mediator.journal-head',
    what: 'Whether the journal still has a line whose digest was noted elsewhere.',
    why: 'A chain shows no end that was cut off; a digest on another machine does.',
    fix: 'Compare with a copy, and find out who changed it.',
  },
  {
    id: 'mediator.list',
    what: 'Whether the signed list is what the journal makes, byte for byte.',
    why: 'A list that does not follow from the journal was made by somebody else with the keys.',
    fix: 'Change the list keys with postern mediator rotate list, sign and publish; then find out who made it.',
  },
  {
    id: 'mediator.vbr-name',
    what: 'A domain that is too long for a name in the VBR zone.',
    why: 'Names in the DNS have at most 253 characters. The signed list has it all the same.',
    fix: 'Nothing to do; readers of the list are not concerned.',
    ref: 'RFC 1035 §2.3.4',
  },
];

import type { Explanation } from './types.ts';

export const listSyncExplanations: readonly Explanation[] = [
  {
    id: 'registry.sync',
    what: 'Whether the list that a mediator publishes was accepted.',
    why: 'What breaks a rule (a foreign signature, an older version, other content under one version, an expired document) may come from somebody who wants to undo a revocation. What was held before stays, and expires.',
    fix: 'Try again later. If it stays, ask the mediator by another way than its web server. If its root was lost or stolen, get the new one from a person and name it with --root.',
  },
  {
    id: 'registry.kept',
    what: 'Whether a list of trusted domains that is kept here is still valid.',
    why: 'An expired list makes nothing green, since an entry may have been revoked meanwhile.',
    fix: 'Run postern trust sync, best from a timer every few hours.',
  },
];

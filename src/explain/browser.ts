import type { Explanation } from './types.ts';

export const browserExplanations: readonly Explanation[] = [
  {
    id: 'browser.roboform',
    what: 'RoboForm is switched on in a profile of Firefox.',
    why: 'It looks at every field of every page. In a webmail with a long list that can stop the page for seconds after it has appeared.',
    fix: 'Switch it off in about:addons (not removed, so its data stay) and compare. If that cures it, keep the passwords in Firefox itself.',
  },
  {
    id: 'browser.every-page',
    what: 'Other extensions that may run a script in every page.',
    why: 'Each of them can slow a page down the same way, so switching RoboForm off need not be the whole cure.',
    fix: 'Nothing, unless pages stay slow without RoboForm; then switch these off one at a time.',
  },
  {
    id: 'browser.extensions',
    what: 'The list of extensions of a profile could not be read.',
    why: 'Whether RoboForm runs there is not known.',
    fix: 'Run the command as the user whose profile it is. A list that is broken is written anew when Firefox starts.',
  },
];

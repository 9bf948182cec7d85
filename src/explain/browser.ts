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
  {
    id: 'browser.passwords.encoding',
    what: 'The export is not plain UTF-8.',
    why: 'RoboForm writes UTF-16 or a mark at the start, depending on its version. Firefox would refuse the former.',
    fix: 'Nothing: it was read as what it is.',
  },
  {
    id: 'browser.passwords.merged',
    what: 'Entries that say the same as another entry, or as Firefox.',
    why: 'Firefox keeps one login for a site and a user.',
    fix: 'Nothing: they are counted, and nothing of them is lost.',
  },
  {
    id: 'browser.passwords.scheme',
    what: 'An address without http:// or https://.',
    why: 'Firefox takes none. A password is only ever offered to the scheme it is kept for.',
    fix: 'Nothing, unless the site has no https: then write the scheme into the export.',
  },
  {
    id: 'browser.passwords.match-url',
    what: 'An entry that leads to one site and is filled in on another.',
    why: 'The password belongs to the site it is filled in on, so that one is taken.',
    fix: 'Look at the entry in about:logins if the site of the other address does not fill in.',
  },
  {
    id: 'browser.passwords.two-passwords',
    what: 'Two entries for the same site and user with different passwords.',
    why: 'Firefox keeps one. The entry that names that very site is taken, or else the last one of the export.',
    fix: 'Try to log in. If the password is wrong, the other one is in the left-over file.',
  },
  {
    id: 'browser.passwords.in-firefox',
    what: 'Firefox has another password for that site and user.',
    why: 'Nobody can tell which one is newer, so Firefox keeps its own.',
    fix: 'Try to log in. If the password is wrong, the one of RoboForm is in the left-over file.',
  },
  {
    id: 'browser.stall',
    what: 'How long a page can do nothing after it has appeared, with RoboForm and without.',
    why: 'Everything in a page runs one after another. While an extension looks at each field of a long list, no click and no key is taken.',
    fix: 'Switch RoboForm off with "postern browser disable" (it can be undone), and carry the passwords over with "postern browser passwords".',
  },
  {
    id: 'demo.browser.stall',
    what: 'In the demonstration a page stalls with the practice extension, longer the larger it is.',
    why: 'That is what an extension does that looks at every field.',
    fix: 'If it did not, the machine was too busy to tell: run the demonstration again.',
  },
  {
    id: 'demo.browser.off',
    what: 'In the demonstration the practice extension is switched off.',
    why: 'The way is the one of "browser disable".',
    fix: 'If it was not, a policy of this machine decides which extensions run.',
  },
  {
    id: 'demo.browser.undo',
    what: 'In the demonstration the former state comes back byte for byte.',
    why: 'What is switched off has to be as it was when it is switched on again.',
    fix: 'If it did not, please report it with the version of Firefox.',
  },
  {
    id: 'demo.browser.passwords',
    what: 'In the demonstration every entry of the export is imported, merged or set aside.',
    why: 'No password may get lost in silence.',
    fix: 'If the count is wrong, please report it.',
  },
];

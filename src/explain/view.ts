import type { Explanation } from './types.ts';

export const viewExplanations: readonly Explanation[] = [
  {
    id: 'view.verdicts',
    what: 'What became of the messages that are shown.',
    why: 'A list of messages is worth as much as the worst of them: one suspicious message makes it critical.',
    fix: 'Look at the message with "message check --explain"; --fail-on never keeps the exit code at 0.',
  },
  {
    id: 'view.unread',
    what: 'Files among those shown that are no messages, or that cannot be read.',
    why: 'What was not read was not judged, and stands in the list as undecided.',
    fix: 'Give files as they were received (.eml), mailboxes (mbox), or folders of them.',
  },
  {
    id: 'view.logo',
    what: 'A logo that a list of trusted domains names and that is not shown.',
    why: 'A logo is shown only if its file is the very one that the list names, and if it holds nothing but shapes and paint: other SVG could run programs or load from elsewhere.',
    fix: 'Get list and logos anew from the mediator; tell the mediator if it happens again.',
  },
  {
    id: 'view.pages',
    what: 'Messages of a mailbox that are in the list alone.',
    why: 'All pages together would make the file too large for a browser to open at once.',
    fix: 'Show single messages by their name, such as inbox.mbox with fewer messages, or a file of its own.',
  },
];

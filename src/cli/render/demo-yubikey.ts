import type { YubikeyStory } from '../../schema/demo.ts';
import { crit, dim, fittedTable, type Inline, type Line, line, ok, strong, wrap } from '../text.ts';
import { fieldTable } from './otp.ts';

const WORDS: Readonly<Record<YubikeyStory['first'], Inline>> = {
  accepted: ok('✔ accepted'),
  replayed: crit('✖ refused: it was used before'),
  disabled: crit('✖ refused: the key is disabled'),
  wrong: crit('✖ refused: it does not decrypt'),
  'unknown-key': crit('✖ refused: nobody knows its key'),
  'no-otp': crit('✖ refused: it is no OTP'),
};

function heading(number: number, title: string, command: string, columns: number): Line[] {
  return [[], ...wrap(line`${strong(`${number}. ${title}`)}  ${dim(command)}`, columns, 3)];
}

/** The story of the keys on the desk, as it is told on the terminal. */
export function renderYubikeyStory(story: YubikeyStory, columns: number): Line[] {
  const { keys, plan, decoded, first, second, logins, server, lost, afterLoss } = story;
  const rows = keys.map(({ serial, model, version, slots }) => [
    strong(serial ?? '-'),
    model,
    version,
    `slot 1 ${slots[1]}, slot 2 ${slots[2]}`,
  ]);
  return [
    ...wrap(
      line`Who is logging in? A key in software, spoken to over the same reports as one on the desk, and a store that is removed at the end.`,
      columns,
    ),
    ...heading(1, 'What lies on the desk?', 'postern yubikey list', columns),
    ...fittedTable(rows, columns, 2),
    ...heading(2, 'Give it secrets of our own', 'postern yubikey program --slot 1', columns),
    ...plan.flatMap((step) => wrap(line`  ${ok('✔')} ${step}`, columns, 4)),
    ...heading(3, 'A touch types this; what is in it?', 'postern otp decode', columns),
    line`  ${strong(decoded.otp)}`,
    ...fieldTable(decoded, 2),
    ...heading(4, 'May it log in, and may it again?', 'postern otp verify', columns),
    line`  once   ${WORDS[first]}`,
    line`  twice  ${WORDS[second]}`,
    ...heading(5, 'Two accounts, one key', 'postern login add, login verify', columns),
    ...fittedTable(
      logins.map(({ account, tried, verdict }) => [
        account,
        verdict === 'accepted' ? ok('✔ let in') : crit('✖ refused'),
        tried,
      ]),
      columns,
      2,
    ),
    ...heading(6, 'A key from the factory, and two servers', 'postern validation serve', columns),
    ...fittedTable(
      server.map(({ asked, tried, status }) => [
        asked === 'ours' ? 'our server' : 'YubiCloud (a stand-in)',
        status === 'OK' ? ok('✔ OK') : crit(`✖ ${status}`),
        tried,
      ]),
      columns,
      2,
    ),
    ...heading(7, 'The key is lost', 'postern yubikey lost 1234567', columns),
    line`  ${lost.join(', ')} is disabled; its next OTP: ${WORDS[afterLoss]}`,
    [],
    ...wrap(
      line`Keys from the factory are known to their maker; keys programmed here, to you alone. ${dim('"postern otp generate --new --software-key FILE" makes a key to practise with.')}`,
      columns,
    ),
  ];
}

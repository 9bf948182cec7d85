import type { Explanation } from './types.ts';

export const loginExplanations: readonly Explanation[] = [
  {
    id: 'login.touch',
    what: 'Whether the touch that associates a key with an account is taken.',
    why: 'Its OTP tells which key it is, and proves that the key is there and works. It is spent.',
    fix: 'Touch the key anew, look whether its validator is the right one, and try "postern otp verify --explain".',
  },
  {
    id: 'login.known',
    what: 'Whether there is the login set, or the account, that was named.',
    why: 'Nothing was changed.',
    fix: 'See them with "postern login list".',
  },
  {
    id: 'login.removed',
    what: 'A login set that was removed.',
    why: 'Its key does not open this account any more; other accounts and login sets are as before.',
    fix: 'Associate the key again with "postern login add".',
  },
  {
    id: 'login.password',
    what: 'A base password that was changed.',
    why: 'It is kept as Argon2id and never shown.',
    fix: 'Change it again with "postern login passwd".',
  },
  {
    id: 'login.verdict',
    what: 'Whether somebody would be let in.',
    why: 'The OTP is spent first; then its key has to belong to the account, the login set to count for the service, and the base password to fit. The reason is told here and in the log alone. When a validation service cannot tell, it is a temporary failure.',
    fix: 'Touch the key again; "postern login list" shows keys, services and expiry.',
  },
  {
    id: 'login.session',
    what: 'Session passwords, made or ended.',
    why: 'They stand in for a touch for an hour from their first use, for one account and one service.',
    fix: 'See them with "postern login session list".',
  },
  {
    id: 'yubikey.logins',
    what: 'Accounts that a lost key opens.',
    why: 'Its OTPs are refused, and the session passwords of these accounts have ended; whoever has only this key is locked out.',
    fix: 'Give them another key with "postern login add", then remove the old login sets.',
  },
];

import type { Explanation } from './types.ts';

export const yubikeyExplanations: readonly Explanation[] = [
  {
    id: 'yubikey.permission',
    what: 'A key that is plugged in, but may not be opened by this user.',
    why: 'Its OTP interface is a keyboard, and nobody but root may read those unless a rule says so.',
    fix: 'Write KERNEL=="hidraw*", SUBSYSTEM=="hidraw", ATTRS{idVendor}=="1050", TAG+="uaccess" to /etc/udev/rules.d/70-yubikey.rules and plug the key in again; Debian’s package libyubikey-udev brings such a rule.',
  },
  {
    id: 'yubikey.busy',
    what: 'A key that another program keeps to itself.',
    why: 'Two programs that speak to a key at the same time mix up their commands.',
    fix: 'Let the other one finish, and run the command again.',
  },
  {
    id: 'yubikey.answer',
    what: 'A key that does not answer as it should.',
    why: 'It may be stuck after another program left it in the middle of a command, or the connection may be bad.',
    fix: 'Unplug it and plug it in again, without a hub.',
  },
  {
    id: 'yubikey.serial',
    what: 'A key that shows no serial number.',
    why: 'Keys before 2.2 have none. Later ones show it only if a slot was written with "serial by API". Our records give each such key a negative number of its own, as nothing else tells them apart.',
    fix: 'Name it with --serial 0 before it is on record, and with its negative number afterwards, while no other one is plugged in. What is programmed here shows the serial number.',
  },
  {
    id: 'yubikey.otp-interface',
    what: 'A key without an OTP interface.',
    why: 'Security keys have FIDO only, and on others OTP can be switched off. Such a key types no OTPs.',
    fix: 'Use it for passkeys, or switch OTP on with the program of its maker.',
  },
  {
    id: 'yubikey.node',
    what: 'A key that is on the USB bus and has no device node.',
    why: 'A program that spoke to it over libusb has taken the keyboard driver away and not given it back.',
    fix: 'Unplug the key and plug it in again.',
  },
  {
    id: 'yubikey.record',
    what: 'A slot that is empty, although our records have something in it.',
    why: 'Another program has deleted or swapped it. OTPs of its public id can no longer come from this key.',
    fix: 'Program it anew, or record the deletion with "postern yubikey delete".',
  },
  {
    id: 'yubikey.unfinished',
    what: 'A slot whose programming was begun and not finished.',
    why: 'Its secrets are on record, but the key was not seen to use them: its OTPs are not taken.',
    fix: 'Plug the key in and go on with "postern yubikey program --resume".',
  },
  {
    id: 'yubikey.touch',
    what: 'A touch that typed something else than the slot should.',
    why: 'Another key or slot was touched, or the key was programmed by another program since.',
    fix: 'Touch the right slot and go on with "postern yubikey program --resume".',
  },
  {
    id: 'yubikey.server',
    what: 'A key that works, and of which the validation server was not told so.',
    why: 'The connection failed after the touch. The server has its secrets, and waits before it takes its OTPs.',
    fix: 'On the server: "postern validation key enable" with its public id.',
  },
  {
    id: 'yubikey.batch',
    what: 'A key of a box that was put in and is not done.',
    why: 'It refused, was pulled out, or was not touched. Nothing is lost: its record says how far it came.',
    fix: 'Run the command again with the same list, and put it in.',
  },
  {
    id: 'yubikey.overwrites',
    what: 'A slot that holds something and will be written anew.',
    why: 'A key does not give out what is in a slot, so nothing of it can be kept.',
    fix: 'Use the other slot, if what is there is still needed.',
  },
  {
    id: 'yubikey.factory',
    what: 'Slot 1 as it comes from the factory, about to be written anew.',
    why: 'Its credential is known to YubiCloud, and its maker does not give out the secret again.',
    fix: 'Use slot 2, if the key is used with YubiCloud anywhere.',
  },
  {
    id: 'yubikey.layout',
    what: 'A static password.',
    why: 'The key types positions of the US layout: on a computer with another layout it types something else. Whoever sees it once can use it for ever.',
    fix: 'Use a Yubico OTP or OATH-HOTP where you can.',
  },
  {
    id: 'yubikey.flags-unknown',
    what: 'An update of a slot that another program has written.',
    why: 'A key does not tell its flags, and an update sets all of them.',
    fix: 'Name the flags you want, or write the slot anew.',
  },
  {
    id: 'yubikey.last-update',
    what: 'An update that forbids further updates.',
    why: 'From then on the slot can only be written anew, with new secrets.',
    fix: 'Leave --no-allow-update out, if you are not sure.',
  },
  {
    id: 'yubikey.lost',
    what: 'Whether the OTPs of a lost key are refused.',
    why: 'Whoever finds it could log in with it.',
    fix: 'Run it where the store is that your services ask; "postern yubikey inventory" shows what is known.',
  },
  {
    id: 'otp.key-known',
    what: 'Whether the key of an OTP is known here.',
    why: 'Without its AES key nothing can be told but the public id.',
    fix: 'Give the key with --key-file, or look on the machine where the key was programmed.',
  },
  {
    id: 'otp.accepted',
    what: 'Whether an OTP is taken.',
    why: 'Each OTP counts once: its counters have to be later than all that were seen, and its key has to be in use.',
    fix: 'Touch the key again; "postern yubikey inventory" tells how its public id stands.',
  },
  {
    id: 'otp.validator',
    what: 'Whether a validation service could tell if an OTP counts.',
    why: 'Without an answer that can be believed nobody is let in, and nobody is told that the OTP was wrong: it is a temporary failure.',
    fix: 'Look whether the service can be reached, and whether client id and API key belong together; "postern otp verify --explain" tells what each address answered.',
  },
  {
    id: 'otp.decrypts',
    what: 'Whether an OTP decrypts to what its key makes.',
    why: 'A checksum that fits by chance happens once in 65536 tries; the private id of 48 bits decides.',
    fix: 'Look whether it was typed whole, and whether the key was reprogrammed.',
  },
  ...(
    [
      ['decrypts', 'Whether the OTP of the demonstration decrypts, with the counters that it should have.'],
      ['logins', 'Whether the logins of the demonstration were let in and refused as they should.'],
      ['once', 'Whether the OTP of the demonstration was accepted once and refused the second time.'],
      ['lost', 'Whether the OTPs of the lost key were refused.'],
    ] as const
  ).map(([name, what]) => ({
    id: `demo.yubikey.${name}`,
    what,
    why: 'The demonstration checks itself: it runs the code of the commands on a key in software.',
    fix: 'Look whether the folder for temporary files can be written; run it again with POSTERN_DEBUG=1.',
  })),
];

import { expect, test } from 'vitest';
import { documents } from '../../src/schema/documents.ts';
import { root } from '../helpers/run.ts';
import { inGuest } from './guest.ts';

// Against an emulated key on the USB bus of a real kernel, and against the programs of its maker: what we write they
// read, what they write we read. Each call takes seconds there, so that a test is one start of the machine.

const LIMIT_MS = 600_000;

const SURE = '--yes --serial 1234567';

test('what we program, ykman and ykinfo read back, and its OTP decrypts', {
  timeout: LIMIT_MS,
}, async (context) => {
  const step = await inGuest(
    context,
    ['--serial 1234567 --version 5.4.3 --pid 0401'],
    `umask 077; echo 303132333435363738393a3b3c3d3e3f40414243 >/run/hmac
     step list postern yubikey list --json
     mkfifo /run/otp; ( until grep -qs Touch /run/rig/out/program.stderr; do sleep 0.5; done; ykemu touch 1 >/run/otp ) &
     step program postern yubikey program --slot 1 ${SURE} --otp-file /run/otp --protect
     step hmac postern yubikey program --slot 2 --kind hmac-sha1 ${SURE} --secret-file /run/hmac
     step ykinfo ykinfo -a
     step ykman ykman otp info
     step ykchalresp ykchalresp -2 'Sample #2'
     step decode postern otp decode "$(ykemu otp 1)" --json
     step foreign ykpersonalize -y -1 -a000102030405060708090a0b0c0d0e0f
     step update postern yubikey update --slot 1 --no-enter ${SURE}
     step delete postern yubikey delete --slot 1 ${SURE}
     step state ykemu state`,
  );
  const list = documents['postern/yubikey-list/1'].parse(JSON.parse(step('list').stdout));
  expect(list.keys).toMatchObject([
    { serial: 1_234_567, version: '5.4.3', slots: { 1: 'empty', 2: 'empty' } },
  ]);
  expect(step('program').stderr).toContain('Touch the key shortly.');
  expect(step('program')).toMatchObject({ exit: 0, stdout: expect.stringContaining('is in use') });
  expect(step('hmac')).toMatchObject({ exit: 0 });
  expect(step('ykinfo').stdout).toMatch(/slot1_status: 1\nslot2_status: 1/);
  expect(step('ykman').stdout).toMatch(/Slot 1: programmed\nSlot 2: programmed/);
  expect(step('ykchalresp').stdout.trim()).toBe('0922d3405faa3d194f82a45830737d5cc6c75d24');
  expect(JSON.parse(step('decode').stdout)).toMatchObject({
    privateId: 'match',
    fields: { useCounter: 1, sessionUse: 1 },
  });
  expect(step('foreign').exit, 'the access code keeps others out').not.toBe(0);
  expect(step('update').exit).toBe(0);
  expect(step('delete').exit).toBe(0);
  expect(JSON.parse(step('state').stdout).slots['1']).toBeNull();
});

test('what ykpersonalize writes we read, change and answer with', { timeout: LIMIT_MS }, async (context) => {
  const step = await inGuest(
    context,
    ['--serial 1234567 --version 5.4.3 --pid 0401'],
    `K=000102030405060708090a0b0c0d0e0f
     step write1 ykpersonalize -y -1 -ofixed=cccccccccccb -ouid=010203040506 -a$K -oserial-api-visible -oallow-update -oaccess=a1a2a3a4a5a6
     step write2 ykpersonalize -y -2 -ochal-resp -ochal-hmac -ohmac-lt64 -oserial-api-visible -a303132333435363738393a3b3c3d3e3f40414243
     umask 077; echo $K >/run/key; echo a1a2a3a4a5a6 >/run/code; printf 'Sample #2' >/run/challenge
     step info postern yubikey info --json
     step decode postern otp decode "$(ykemu otp 1)" --key-file /run/key --json
     step calculate postern yubikey calculate --slot 2 --challenge-file /run/challenge
     step locked postern yubikey delete --slot 1 ${SURE}
     step remove postern yubikey access-code remove --slot 1 --access-code-file /run/code ${SURE}
     step swap postern yubikey swap ${SURE}
     step state ykemu state`,
  );
  expect(JSON.parse(step('info').stdout)).toMatchObject({
    slots: { 1: 'programmed', 2: 'programmed' },
    records: [],
  });
  expect(JSON.parse(step('decode').stdout)).toMatchObject({
    publicId: 'cccccccccccb',
    fields: { useCounter: 1, sessionUse: 0, crcOk: true },
  });
  expect(step('calculate').stdout).toBe('0922d3405faa3d194f82a45830737d5cc6c75d24\n');
  expect(step('locked')).toMatchObject({ exit: 77, stderr: expect.stringContaining('access code') });
  expect(step('remove').exit).toBe(0);
  expect(step('swap').exit).toBe(0);
  const { slots } = JSON.parse(step('state').stdout);
  expect([slots['1'].kind, slots['2'].kind, slots['2'].acc]).toEqual([
    'chal-hmac',
    'yubicoOtp',
    '000000000000',
  ]);
});

test('keys of all generations are listed and programmed', { timeout: LIMIT_MS }, async (context) => {
  const keys = [
    '--id old --serial 242 --version 2.4.2 --pid 0010',
    '--id neo --serial 340 --version 3.4.0 --pid 0114',
    '--id four --serial 437 --version 4.3.7 --pid 0403',
    '--id five --serial 570 --version 5.7.1 --pid 0401',
    '--id fido --serial 402 --version 5.4.3 --pid 0402',
  ];
  const step = await inGuest(
    context,
    keys,
    `step list postern yubikey list --json
     step several postern yubikey info
     for s in 242 340 437 570; do step hmac$s postern yubikey program --slot 2 --kind hmac-sha1 --yes --serial $s; done
     step inventory postern yubikey inventory --json`,
  );
  const list = documents['postern/yubikey-list/1'].parse(JSON.parse(step('list').stdout));
  const found = list.keys.map(({ serial, version, interfaces }) => [serial, version, interfaces.join('+')]);
  expect(found).toEqual(
    expect.arrayContaining([
      [242, '2.4.2', 'OTP'],
      [340, '3.4.0', 'OTP+FIDO'],
      [437, '4.3.7', 'OTP+FIDO'],
      [570, '5.7.1', 'OTP'],
    ]),
  );
  expect(list.checks).toMatchObject([{ id: 'yubikey.otp-interface', info: true }]);
  expect(step('several')).toMatchObject({ exit: 64, stderr: expect.stringContaining('--serial') });
  for (const serial of [242, 340, 437, 570])
    expect(step(`hmac${serial}`), String(serial)).toMatchObject({ exit: 0 });
  const { slots } = JSON.parse(step('inventory').stdout);
  expect(slots.filter(({ state }: { state: string }) => state === 'current')).toHaveLength(4);
});

test('faults on the bus are got over, or told with their cause', { timeout: LIMIT_MS }, async (context) => {
  const step = await inGuest(
    context,
    ['--serial 1234567 --version 5.4.3 --pid 0401'],
    `for fault in corrupt_response drop_report usb_stall_get; do ykemu fault $fault; step $fault postern yubikey list --json; done
     ykemu fault stuck_write_flag 1000000; step stuck postern yubikey info; ykemu fault stuck_write_flag 0
     ykemu fault unplug_on_set; step unplugged postern yubikey info; ykemu plug
     chmod 600 /dev/hidraw*; step forbidden setpriv --reuid 1000 --clear-groups ${process.execPath} bin/run.js yubikey info
     step after postern yubikey list --json
     ykemu unplug; step none postern yubikey list --json; step nokey postern yubikey info`,
  );
  for (const fault of ['corrupt_response', 'drop_report', 'usb_stall_get', 'after'])
    expect(JSON.parse(step(fault).stdout).keys, fault).toMatchObject([{ serial: 1_234_567 }]);
  expect(step('stuck')).toMatchObject({ exit: 69, stderr: expect.stringContaining('does not answer') });
  expect(step('unplugged')).toMatchObject({
    exit: 69,
    stderr: expect.stringContaining('not there any more'),
  });
  expect(step('forbidden')).toMatchObject({
    exit: 77,
    stderr: expect.stringContaining('ATTRS{idVendor}=="1050"'),
  });
  expect(step('none')).toMatchObject({ exit: 0 });
  expect(JSON.parse(step('none').stdout).keys).toEqual([]);
  expect(step('nokey').exit).toBe(69);
});

test('three keys of three generations are listed at once, and none once they are unplugged', {
  timeout: LIMIT_MS,
}, async (context) => {
  const keys = [
    '--id one --serial 111 --version 5.4.3 --pid 0401',
    '--id two --serial 222 --version 4.3.7 --pid 0403',
    '--id three --serial 333 --version 3.4.0 --pid 0114',
  ];
  // The same start of Node on both sides, and each several times: the first one fills the cache of files.
  const bare = "import('node-hid').then(async (hid) => { await hid.default.devicesAsync(); })";
  const step = await inGuest(
    context,
    keys,
    `timed() { local name=$1 from=$(date +%s%3N); shift; "$@" >/run/rig/out/$name.stdout 2>/run/rig/out/$name.stderr; echo $? >/run/rig/out/$name.exit; echo $(( $(date +%s%3N) - from )) >/run/rig/out/$name.ms; }
     cd ${root}
     for n in 1 2 3; do
       timed bare$n ${process.execPath} -e "${bare}"
       timed list$n ${process.execPath} bin/run.js yubikey list --json
     done
     for key in one two three; do ykemu unplug -k $key; done
     for n in 1 2 3; do timed none$n ${process.execPath} bin/run.js yubikey list --json; timed node$n ${process.execPath} -e 0; done
     step times sh -c 'cd /run/rig/out; for n in 2 3; do for name in bare node list none; do echo $(cat $name$n.ms); done; done'`,
  );
  expect(JSON.parse(step('list3').stdout).keys).toHaveLength(3);
  expect(JSON.parse(step('none3').stdout).keys).toEqual([]);
  // Told, not judged: how long something takes on an emulated processor says nothing about a real one.
  const ms = step('times').stdout.trim().split('\n').map(Number);
  console.info(`bare, node, list, none: ${ms.join(', ')} ms`);
});

test('an access code that is wrong, kept, changed or removed ends with its cause on each firmware', {
  timeout: LIMIT_MS,
}, async (context) => {
  const keys = [
    '--id old --serial 434 --version 4.3.4 --pid 0401',
    '--id new --serial 543 --version 5.4.3 --pid 0401',
  ];
  const each = (serial: number) => `
    S="--slot 2 --yes --serial ${serial}"
    step wrote${serial} postern yubikey program $S --kind hmac-sha1 --new-access-code-file /run/code
    step kept${serial} postern yubikey update $S --dormant
    step wrong${serial} postern yubikey update $S --no-dormant --access-code-file /run/wrong
    step changed${serial} postern yubikey access-code change $S --new-access-code-file /run/other
    step still${serial} postern yubikey update $S --no-dormant
    step answers${serial} postern yubikey calculate --slot 2 --serial ${serial} --challenge-file /run/challenge
    step removed${serial} postern yubikey access-code remove $S
    step deleted${serial} postern yubikey delete $S`;
  const step = await inGuest(
    context,
    keys,
    `umask 077; echo a1a2a3a4a5a6 >/run/code; echo 010101010102 >/run/wrong; echo b1b2b3b4b5b6 >/run/other; printf x >/run/challenge
     ${each(434)}
     ${each(543)}`,
  );
  for (const serial of [434, 543]) {
    for (const name of ['wrote', 'kept', 'still', 'answers', 'deleted'])
      expect(step(`${name}${serial}`), `${name} ${serial}`).toMatchObject({ exit: 0 });
    expect(step(`wrong${serial}`)).toMatchObject({
      exit: 77,
      stderr: expect.stringContaining('access code'),
    });
  }
  const cannot = {
    exit: 69,
    stderr: expect.stringContaining('4.3.2 to 4.3.5 cannot change the access code'),
  };
  expect(step('changed434')).toMatchObject(cannot);
  expect(step('removed434')).toMatchObject(cannot);
  expect(step('changed543').exit).toBe(0);
  expect(step('removed543').exit).toBe(0);
});

test('what a telephone reads is set on a key with a radio, and refused with the cause elsewhere', {
  timeout: LIMIT_MS,
}, async (context) => {
  const step = await inGuest(
    context,
    ['--id neo --serial 340 --version 3.4.0 --pid 0114', '--id four --serial 437 --version 4.3.7 --pid 0401'],
    `umask 077; echo a1a2a3a4a5a6 >/run/code
     step wrote postern yubikey program --slot 2 --kind hmac-sha1 --yes --serial 340
     step uri postern yubikey ndef --slot 2 --uri https://login.example.org/otp# --yes --serial 340
     step state ykemu state -k neo
     step code postern yubikey access-code set --slot 2 --new-access-code-file /run/code --yes --serial 340
     step protected postern yubikey ndef --slot 2 --text otp= --yes --serial 340
     step none postern yubikey ndef --slot 2 --yes --serial 437`,
  );
  expect(step('uri'), step('uri').stderr).toMatchObject({ exit: 0 });
  const { ndef } = JSON.parse(step('state').stdout);
  expect(ndef).toEqual({
    slot: 2,
    type: 'U',
    data: `04${Buffer.from('login.example.org/otp#').toString('hex')}`,
  });
  expect(step('protected')).toMatchObject({ exit: 77, stderr: expect.stringContaining('NDEF') });
  expect(step('none')).toMatchObject({ exit: 69, stderr: expect.stringContaining('no radio') });
});

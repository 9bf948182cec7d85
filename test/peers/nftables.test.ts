import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, type TestContext, test } from 'vitest';
import { parseNetwork } from '../../src/net/network.ts';
import { needs, needsRoot } from '../helpers/debian.ts';
import { run } from '../helpers/run.ts';
import { until } from '../helpers/throttle-fronts.ts';
import { ask, startThrottleLab } from '../helpers/throttle-lab.ts';

// What is written for nftables, in a network of its own: two machines and a cable, nothing of this machine's filter.

const trusted = [parseNetwork('192.0.2.9')].filter((each) => each !== null);

async function compiled(context: TestContext) {
  needs(context, 'nft', 'nftables');
  needs(context, 'ip', 'iproute2');
  needs(context, 'awk', 'mawk');
  needsRoot(context, 'only root has a network of its own');
  needs(context, 'unshare', 'util-linux', ['-n', 'nft', 'list', 'ruleset']);
  const folder = mkdtempSync(join(tmpdir(), 'postern-nftables-'));
  const list = join(folder, 'list');
  mkdirSync(list);
  chmodSync(folder, 0o755);
  const lab = await startThrottleLab({ drop: { folder: list, after: 5 }, trusted });
  onTestFinished(() => lab.close());
  await lab.api('/v1/exemptions', 'POST', { network: '192.0.2.8', site: 'other' });
  const where = ['--out', folder, '--nftables-dir', list, '--service', `unix:${lab.socket.path}`];
  const ran = await run('throttle compile', ['nftables', ...where, '--check']);
  expect(ran).toMatchObject({ exit: 0 });
  return { lab, folder, list, said: ran.stdout };
}

/** Run a script on a machine of its own with another at the end of a cable, reached as `other COMMAND`. */
function onACable(folder: string, script: string): string {
  const file = join(folder, 'test.sh');
  const addresses = ['192.0.2.7', '192.0.2.8', '192.0.2.9', '192.0.2.10'].map((each) => `${each}/24`);
  const six = ['2001:db8:0:1::7', '2001:db8:0:1::8', '2001:db8:0:2::7'].map((each) => `${each}/48`);
  writeFileSync(
    file,
    `set -eu
unshare -n sleep 600 & peer=$!
python3 -m http.server --bind :: 80 --directory ${folder} >/dev/null 2>&1 & server=$!
trap 'kill $peer $server' EXIT
other() { nsenter -t $peer -n "$@"; }
until [ "$(readlink /proc/$peer/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.05; done
ip link set lo up
ip link add here type veth peer name there netns $peer
ip addr add 192.0.2.1/24 dev here
ip addr add 2001:db8::1/48 dev here nodad
ip link set here up
other ip link set there up
${[...addresses].map((each) => `other ip addr add ${each} dev there`).join('\n')}
${six.map((each) => `other ip addr add ${each} dev there nodad`).join('\n')}
# What an address reaches: a connection, or nothing within a second.
reaches() {
  to=192.0.2.1; case $1 in *:*) to=2001:db8::1;; esac
  other python3 -c 'import socket, sys; socket.create_connection((sys.argv[2], 80), timeout=1, source_address=(sys.argv[1], 0))' $1 $to 2>/dev/null && echo "$1 passes" || echo "$1 is dropped"
}
until [ "$(reaches 192.0.2.10)" = '192.0.2.10 passes' ]; do sleep 0.1; done
until [ "$(reaches 2001:db8:0:2::7)" = '2001:db8:0:2::7 passes' ]; do sleep 0.1; done
list() { printf '%s\\n' "$@" >${folder}/list/drop.list; : >${folder}/list/reload; }
# As the unit does: another user, and one capability.
chown nobody ${folder}/list
apply() {
  setpriv --reuid=nobody --clear-groups --bounding-set=-all,+net_admin --inh-caps=-all,+net_admin \\
    --ambient-caps=-all,+net_admin --no-new-privs sh ${folder}/apply.sh || echo 'not applied'
}
${script}
`,
  );
  const ran = spawnSync('unshare', ['-n', 'bash', file], { encoding: 'utf8' });
  expect(ran.stderr + ran.stdout).not.toContain('Operation not permitted');
  return ran.stdout;
}

test('who is in the list is dropped until the time ends or the list has nobody, and nobody else is', async (context) => {
  const { folder, said } = await compiled(context);
  expect(said.replaceAll(/\s+/g, ' ')).toContain('reaches nothing on this machine');
  const told = onACable(
    folder,
    `list '192.0.2.7 600' '2001:db8:0:1::/64 600' end; apply
[ ! -e ${folder}/list/reload ] && echo 'the flag is taken away'
for each in 192.0.2.7 192.0.2.10 2001:db8:0:1::7 2001:db8:0:1::8 2001:db8:0:2::7; do reaches $each; done
list '2001:db8:0:1::/64 600' end; apply; reaches 192.0.2.7; reaches 2001:db8:0:1::7
list end; apply; reaches 2001:db8:0:1::7
list '192.0.2.7 1' end; apply
until [ "$(reaches 192.0.2.7)" = '192.0.2.7 passes' ]; do sleep 0.1; done; echo 'its time ended'
nft flush ruleset; list '192.0.2.7 600' end; apply; reaches 192.0.2.7`,
  );
  expect(told.trim().split('\n')).toEqual([
    'the flag is taken away',
    '192.0.2.7 is dropped',
    '192.0.2.10 passes',
    '2001:db8:0:1::7 is dropped',
    '2001:db8:0:1::8 is dropped',
    '2001:db8:0:2::7 passes',
    '192.0.2.7 passes',
    '2001:db8:0:1::7 is dropped',
    '2001:db8:0:1::7 passes',
    'its time ended',
    '192.0.2.7 is dropped',
  ]);
});

test('a list with anything but addresses changes nothing, and this machine, proxies and who is exempt are never dropped', async (context) => {
  const { folder } = await compiled(context);
  const damaged = [
    ['192.0.2.10 600'],
    ['192.0.2.10 600', 'end', '192.0.2.7 600'],
    ['192.0.2.10 600 }; flush ruleset', 'end'],
    ['192.0.2.10 0', 'end'],
    ['192.0.2.10', 'end'],
    ['192.0.2.0/24 600', 'end'],
    ['192.0.2.300 600', 'end'],
    ['192.0.2.10,192.0.2.7 600', 'end'],
    ['2001:db8::/48 600', 'end'],
    [':::::/64 600', '192.0.2.10 600', 'end'],
    ['include "/etc/passwd"', 'end'],
    [''],
  ];
  const tries = damaged.map(
    (lines) => `list ${lines.map((line) => `'${line}'`).join(' ')}; apply 2>/dev/null`,
  );
  const told = onACable(
    folder,
    `list '192.0.2.7 600' '192.0.2.8 600' '192.0.2.9 600' '127.0.0.1 600' '::/64 600' end; apply
without_figures() { nft list ruleset | sed -E 's/(expires|packets|bytes) [0-9a-z]+//g'; }
before=$(without_figures)
${tries.join('\n')}
[ "$(without_figures)" = "$before" ] && echo 'nothing is changed'
for each in 192.0.2.7 192.0.2.8 192.0.2.9 192.0.2.10; do reaches $each; done
for each in 127.0.0.1 ::1; do python3 -c "import socket; socket.create_connection(('$each', 80), timeout=5)" && echo "$each passes"; done`,
  );
  expect(told.trim().split('\n')).toEqual([
    ...damaged.map(() => 'not applied'),
    'nothing is changed',
    '192.0.2.7 is dropped',
    '192.0.2.8 passes',
    '192.0.2.9 passes',
    '192.0.2.10 passes',
    '127.0.0.1 passes',
    '::1 passes',
  ]);
});

test('ten thousand addresses go in at once', async (context) => {
  const { folder, list } = await compiled(context);
  const lines = Array.from({ length: 10_000 }, (_, index) =>
    index % 2
      ? `10.0.${index >> 8}.${index & 255} 600\n`
      : `2001:db8:${index.toString(16)}:${index.toString(16)}::/64 600\n`,
  );
  writeFileSync(join(list, 'drop.list'), `${lines.join('')}end\n`);
  const told = onACable(folder, `apply; apply; nft list ruleset | grep -o 'timeout 10m' | wc -l`);
  expect(told.trim()).toBe('10000');
});

test('the service names who goes on asking while refused, and nobody who is exempt, blocked in a dry run, or unblocked', async (context) => {
  const { lab, list } = await compiled(context);
  const { warden } = lab.daemon;
  await lab.api('/v1/sites/other/policy', 'PUT', { limits: '1/2M' });
  await lab.api('/v1/sites', 'POST', { name: 'dry.example', limits: '1/2M', mode: 'dry' });
  await lab.api('/v1/exemptions', 'POST', { network: '198.51.100.0/24', site: 'dry.example' });
  const request = { method: 'GET', path: '/', userAgent: '' };
  const asks = (host: string, address: string, count: number) => {
    for (let sent = 0; sent < count; sent += 1) warden.admit(host, address, request);
  };
  const named = () => readFileSync(join(list, 'drop.list'), 'utf8');
  asks('any.example', '192.0.2.7', 6);
  asks('any.example', '192.0.2.10', 5);
  asks('any.example', '2001:db8:0:1::7', 3);
  asks('any.example', '2001:db8:0:1::8', 3);
  for (const spared of ['192.0.2.8', '192.0.2.9', '198.51.100.7', '127.0.0.5'])
    asks('any.example', spared, 9);
  asks('dry.example', '192.0.2.11', 9);
  await until('they are named', () => named() === '192.0.2.7 10\n2001:db8:0:1::/64 10\nend\n');
  expect(lab.events).toContainEqual({
    event: 'goes on asking',
    site: 'other',
    client: '192.0.2.7',
    refused: 5,
  });
  // By the log of a web server, too.
  for (let sent = 0; sent < 5; sent += 1) warden.noteRefused('any.example', '192.0.2.10');
  await until('who is refused by a web server is named', () => named().includes('192.0.2.10 10\n'));
  await lab.api('/v1/blocks/192.0.2.7', 'DELETE');
  await until('who is unblocked is not named', () => !named().includes('192.0.2.7 '));
  expect((await ask(lab.port, { from: '127.0.0.9' })).status).toBe(200);
});

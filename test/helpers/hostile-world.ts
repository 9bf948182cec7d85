import { randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { databaseOf, masterKeyOf, openOrCreateStore } from '../../src/keys/open.ts';
import { createAuthority } from '../../src/lab/certificates.ts';
import { startDnsServer } from '../../src/lab/dns-server.ts';
import { startMailServer } from '../../src/lab/mail-server.ts';
import { newSite } from '../../src/throttle/site.ts';
import { openAdministration } from '../../src/validation/clients.ts';
import { loginLab } from './logins.ts';
import { mediatorLab } from './mediator.ts';
import { publication, ring } from './registry.ts';
import { root, run } from './run.ts';
import { startThrottleLab } from './throttle-lab.ts';
import { entryDocument, registryDocument } from './trust.ts';

// What others can bring into an output, each place filled with the same text.

/** By which a text is found again in whatever shows it. */
export const MARK = 'evil7';

/** What a terminal obeys or hides, and what ends a field, a cell, a tag, a property or a line of some format. */
const TROUBLE =
  '\u0007\u001b[31m\u001b]8;;https://evil.example\u0007\u009b31m\u0085\u202e\u2066\u200b\u2028\ufeff\u{e0041}","</x>]]>\'|;%0A##[error]x';

/** One text for each sign that makes a spreadsheet compute, and one that begins a line of its own. */
export const HOSTILE: readonly string[] = [
  ...['=', '+', '-', '@', '\t=', '＝'].map((start) => `${start}${MARK}${TROUBLE}`),
  `${MARK}\r\n::error::x\r\n=1\n\n@x${TROUBLE}`,
];

/** A command and how to call it, by what it brings in. */
export type HostileCall = readonly [id: string, argv: readonly string[]];

/** Formats made of lines take it on one of them. */
const oneLine = (text: string) => text.replace(/[\r\n]+/g, ' ');

/** XML 1.0 has no way to write most controls. */
const inXml = (text: string) =>
  text
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, '')
    .replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);

type Folder = (name: string, content: string) => string;

function messages(text: string, file: Folder): HostileCall[] {
  const said = oneLine(text);
  const message = [
    `Received: from ${said} (${said} [192.0.2.1]) by mx.example.org with ESMTP id ${said}; Tue, 24 Nov 2026 09:15:06 +0000`,
    `Authentication-Results: mx.example.org; spf=pass reason="${said}"`,
    `DKIM-Signature: v=1; a=rsa-sha256; d=evil.example; s=${said}; h=from; bh=YQ==; b=YQ==`,
    `List-Id: ${said}`,
    `From: "${said.replaceAll('"', '')}" <a@evil.example>`,
    `To: ${said} <b@example.net>`,
    `Subject: ${said}`,
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary=x',
    '',
    '--x',
    'Content-Type: text/plain; charset=utf-8',
    '',
    text,
    '--x',
    `Content-Type: application/x; name="${said}"`,
    `Content-Disposition: attachment; filename="${said}"`,
    '',
    'x',
    '--x--',
    '',
  ].join('\r\n');
  const saved = file('message.eml', message);
  const named = file(`${text.replaceAll('/', '_')}.eml`, message);
  const offline = ['--offline', '--dns-cache', file('empty.json', '{}')];
  return [
    ['message path', [named]],
    ['message check', [named, ...offline]],
    ['message view', [named, ...offline]],
    ['message view', [saved, named, ...offline]],
  ];
}

function reports(text: string, file: Folder): HostileCall[] {
  const dmarc = readFileSync(`${root}examples/reports/dmarc.xml`, 'utf8')
    .replace('Receiver Inc.', inXml(text))
    .replaceAll('bounce.newsletter.example', inXml(text));
  const tls = JSON.parse(readFileSync(`${root}examples/reports/tls.json`, 'utf8'));
  tls['organization-name'] = text;
  for (const policy of tls.policies) {
    policy.policy['mx-host'] = [text];
    policy.policy['policy-string'] = [text];
    for (const detail of policy['failure-details'])
      Object.assign(detail, {
        'receiving-mx-hostname': text,
        'failure-reason-code': text,
        'additional-information': text,
      });
  }
  return [
    ['report dmarc', [file('dmarc.xml', dmarc)]],
    ['report tls', [file('tls.json', JSON.stringify(tls))]],
  ];
}

function dns(text: string, file: Folder): HostileCall[] {
  const zone = file(
    'dns.json',
    JSON.stringify({
      'sender.example': {
        TXT: [[`v=spf1 include:${text} exp=why.sender.example -all`], [text]],
        MX: [{ priority: 10, exchange: `${oneLine(text).replaceAll('.', '')}.sender.example` }],
      },
      'why.sender.example': { TXT: [[text]] },
      '_dmarc.sender.example': { TXT: [[`v=DMARC1; p=${text}; rua=mailto:${text}`]] },
      '_mta-sts.sender.example': { TXT: [[`v=STSv1; id=${text}`]] },
      '_smtp._tls.sender.example': { TXT: [[`v=TLSRPTv1; rua=mailto:${text}`]] },
      'default._bimi.sender.example': { TXT: [[`v=BIMI1; l=https://${text}; a=`]] },
      's1._domainkey.sender.example': { TXT: [[`v=DKIM1; n=${text}; k=${text}; p=AAAA`]] },
      '2.0.0.127.bl.example': { A: ['127.0.0.2'], TXT: [[text]] },
      '1.2.0.192.bl.example': { A: ['127.0.0.2'], TXT: [[text]] },
    }),
  );
  const from = ['--offline', '--dns-cache', zone];
  return [
    ['domain check', ['sender.example', '--selector', 's1', ...from]],
    ['spf check', ['sender.example', '--ip', '192.0.2.9', ...from]],
    ['dnsbl check', ['192.0.2.1', '--list', 'bl.example', ...from]],
    ['mx policy', ['sender.example', ...from]],
    ['mx probe', ['sender.example', ...from]],
    ['doctor', from],
  ];
}

/** Every string of a saved result but those that are one of a few words. */
function poisoned(value: unknown, text: string): unknown {
  if (Array.isArray(value)) return value.map((each) => poisoned(each, text));
  if (typeof value !== 'object' || value === null) return value;
  const words = [
    'schema',
    'status',
    'kind',
    'phase',
    'starttls',
    'time',
    'dnssec',
    'target',
    'domain',
    'id',
    'ip',
  ];
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [
      key,
      typeof each === 'string' && !words.includes(key) ? text : poisoned(each, text),
    ]),
  );
}

function files(text: string, file: Folder): HostileCall[] {
  const after = JSON.parse(readFileSync(`${root}test/fixtures/mx/after.json`, 'utf8'));
  const access = `${oneLine(text).replaceAll(' ', '')} - ${oneLine(text)} [25/Nov/2026:09:00:00 +0000] "GET /${oneLine(text)} HTTP/1.1" 200 1200 "-" "${oneLine(text)}"\n`;
  return [
    [
      'mx diff',
      [`${root}test/fixtures/mx/before.json`, file('after.json', JSON.stringify(poisoned(after, text)))],
    ],
    ['config check', ['--config', file('config.json', JSON.stringify({ [text]: text, port: text }))]],
    ['config show', ['--config', file('good.json', JSON.stringify({ ehlo: text }))]],
    ['throttle simulate', [file('access.log', access.repeat(400))]],
    ['validation import', [file('keys.csv', `1,${oneLine(text)},x,y,z,2009-12-14T16:40:57,\n`), '--dry-run']],
    [
      'browser passwords',
      [
        file(
          'roboform.csv',
          `Name,Url,Login,Pwd,Note,Folder\n"${text.replaceAll('"', '""')}",https://,me,x,,\n`,
        ),
      ],
    ],
  ];
}

function browser(text: string): HostileCall[] {
  const addon = {
    id: 'rf-firefox@siber.com',
    version: text,
    type: 'extension',
    location: 'app-profile',
    active: true,
    userDisabled: false,
    appDisabled: false,
    path: text,
    defaultLocale: { name: text, creator: text },
    userPermissions: { permissions: [text], origins: ['<all_urls>'] },
  };
  const other = { ...addon, id: text };
  const profile = mkdtempSync(join(tmpdir(), 'postern-hostile-profile-'));
  writeFileSync(
    join(profile, 'extensions.json'),
    JSON.stringify({ schemaVersion: 37, addons: [addon, other] }),
  );
  const home = mkdtempSync(join(tmpdir(), 'postern-hostile-firefox-'));
  mkdirSync(join(home, 'x'));
  cpSync(profile, join(home, 'x'), { recursive: true });
  writeFileSync(join(home, 'profiles.ini'), `[Profile0]\nName=${oneLine(text)}\nIsRelative=1\nPath=x\n`);
  return [
    ['browser diagnose', ['--profile-dir', profile]],
    ['browser diagnose', ['--profile-dir', home]],
  ];
}

async function stores(text: string): Promise<HostileCall[]> {
  const lab = await loginLab();
  await lab.add(text, (await lab.key(7)).publicId, { label: text });
  const session = { account: text, service: text, network: text, lengthMs: 3_600_000 };
  await lab.logins.addSession({ ...session, digest: randomBytes(32) }, Date.now());
  await lab.close();
  const folder = mkdtempSync(join(tmpdir(), 'postern-hostile-store-'));
  (await openOrCreateStore({ folder })).store.close();
  const office = await openAdministration(databaseOf({ folder }), masterKeyOf({ folder }));
  await office.addClient(
    { id: null, label: text, apiKey: null, mustSign: false, publicIds: [], networks: [] },
    { actor: text, nowMs: Date.now() },
    () => undefined,
  );
  await office.close();
  return [
    ['login list', ['--store', lab.folder]],
    ['login session list', ['--store', lab.folder]],
    ['validation key list', ['--store', lab.folder]],
    ['validation client list', ['--store', folder]],
    ['validation status', ['--store', folder]],
  ];
}

async function throttle(text: string): Promise<HostileCall[]> {
  const lab = await startThrottleLab();
  afterAll(() => lab.close());
  const { warden } = lab.daemon;
  const policy = { limits: { requests: 100, bytes: 1_000_000 }, mode: 'enforce' } as const;
  warden.saveSite({ ...newSite(1, 'www.example.org'), policy, note: text }, text, text);
  const site = warden.sites.named('www.example.org');
  warden.block(site, warden.clientNamed('192.0.2.7'), 600_000, text);
  const request = { method: oneLine(text), path: text, userAgent: text };
  for (let index = 0; index < 102; index += 1) warden.admit('www.example.org', '192.0.2.66', request);
  warden.exempt({ network: '192.0.2.8', site: null, reason: text, untilMs: null });
  const at = ['--service', `unix:${lab.socket.path}`];
  return [
    ['throttle top', ['--no-watch', ...at]],
    ['throttle explain', ['192.0.2.66', ...at]],
    ['throttle explain', ['192.0.2.7', ...at]],
    ['throttle explain', ['192.0.2.8', ...at]],
    ['throttle explain', [text, ...at]],
    ['throttle blocks', at],
    ['throttle exempt', at],
    ['throttle site list', at],
    ['throttle site show', ['www.example.org', ...at]],
    ['throttle policy list', at],
    ['throttle status', at],
  ];
}

async function registry(text: string, file: Folder): Promise<HostileCall[]> {
  const lab = await mediatorLab();
  const named = ['--name', text, '--legal-name', text, '--registration', text, '--alias', text];
  await lab.act('sign', '--actor', text);
  await lab.act('add', 'evil', 'evil.example', ...named, '--actor', text);
  await run('trust override', ['evil.example', 'trust', '--name', text]);
  const office = ['--folder', lab.folder];
  const organization = { name: text, legalName: text, country: 'CH' };
  const vetting = { ...entryDocument().vetting, checkedBy: [text], evidence: [{ kind: 'other', text }] };
  const entry = entryDocument({ organization, aliases: [text], vetting });
  const list = file('registry.json', JSON.stringify(registryDocument([entry])));
  const published = mkdtempSync(join(tmpdir(), 'postern-hostile-published-'));
  mkdirSync(join(published, 'lists'));
  for (const [name, bytes] of publication({
    keys: ring(),
    nowMs: Date.now(),
    entries: [entry],
    root: { name: text },
  }))
    writeFileSync(join(published, name), bytes);
  return [
    ['mediator list', office],
    ['mediator diff', office],
    ['mediator audit', office],
    ['mediator approve', ['evil', '--actor', text, '--yes', ...office]],
    ['trust show', ['bank.example', '--registry', list, '--as-of', '2026-11-25']],
    ['trust sync', [published, '--root', join(published, '1.root.json')]],
    ['trust list', []],
    ['trust override', []],
  ];
}

/** A mail server whose every word is hostile, and a DNS that leads to it. */
async function mail(text: string, file: Folder): Promise<HostileCall[]> {
  // A server's words are bytes, and a line of its is one.
  const said = oneLine(text).replace(/[^\u0000-\u00ff]/gu, '');
  const authority = await createAuthority('Hostile authority', Date.now());
  const name = said.replace(/[^\x21-\x7e\x1b\x07]|[,"'+;<>=#\\]/g, '');
  const server = await startMailServer({
    hostname: said,
    certificates: [await authority.issue({ names: [name] })],
  });
  const refusing = createTcpServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.on('data', () => socket.write(`554 ${said}\r\n`));
    socket.write(`220 ${said}\r\n`);
  });
  await new Promise<void>((resolve) => refusing.listen(0, '127.0.0.1', resolve));
  const resolver = await startDnsServer({
    zone: {
      'evil.test': { MX: [{ preference: 10, exchange: 'mx.evil.test' }] },
      'mx.evil.test': { A: ['127.0.0.1'] },
    },
  });
  const dav = createServer((_, response) =>
    response
      .writeHead(207)
      .end(
        `<multistatus xmlns="DAV:"><response><href>/${inXml(encodeURIComponent(text))}-desk.age</href></response><response><href>/${inXml(text)}.age</href></response></multistatus>`,
      ),
  );
  await new Promise<void>((resolve) => dav.listen(0, '127.0.0.1', resolve));
  afterAll(async () => {
    refusing.close();
    dav.close();
    await Promise.all([server.close(), resolver.close()]);
  });
  const world = ['--resolver', `127.0.0.1:${resolver.port}`, '--allow-private', '--no-cache'];
  const portOf = (of: { address(): unknown }) => String((of.address() as AddressInfo).port);
  return [
    ['mx probe', ['evil.test', '--port', String(server.port), ...world]],
    ['mx probe', ['evil.test', '--port', portOf(refusing), ...world]],
    [
      'send',
      [
        '--from',
        'a@example.com',
        '--to',
        'b@evil.test',
        '--port',
        portOf(refusing),
        ...world,
        '--file',
        file('sent.eml', 'Subject: x\r\n\r\nx\r\n'),
      ],
    ],
    ['browser backup list', [`http://127.0.0.1:${portOf(dav)}/`]],
  ];
}

/** Commands that read what others wrote, with this text in every place where others could have written it. */
export async function hostileCalls(text: string): Promise<readonly HostileCall[]> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-hostile-'));
  const file: Folder = (name, content) => {
    writeFileSync(join(folder, name), content, { mode: 0o600 });
    return join(folder, name);
  };
  return [
    ...messages(text, file),
    ...reports(text, file),
    ...dns(text, file),
    ...files(text, file),
    ...browser(text),
    ...(await stores(text)),
    ...(await throttle(text)),
    ...(await registry(text, file)),
    ...(await mail(text, file)),
  ];
}

import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { encryptAge } from '../../src/age/age.ts';
import { packVault } from '../../src/browser/vault.ts';

/** A program that is started and spoken to as Firefox is, and knows of nothing: for what only has to start. */
const STAND_IN = `
import { writeFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
const folder = process.argv[process.argv.indexOf('--profile') + 1];
const answerTo = ({ script = '' }) => {
  if (script.includes('promiseBookmarksTree')) return { logins: [], bookmarks: [], extensions: [] };
  return script.includes('canParse') ? { bookmarks: [], extensions: [] } : script.includes('PrimaryPassword') ? false : [];
};
const frame = (value) => { const text = JSON.stringify(value); return Buffer.byteLength(text) + ':' + text; };
const server = createServer((socket) => {
  socket.write(frame({ applicationType: 'gecko', marionetteProtocol: 3 }));
  socket.on('data', (chunk) => {
    const [, id, name, parameters] = JSON.parse(chunk.toString().replace(/^\\d+:/, ''));
    socket.write(frame([1, id, null, { value: name === 'WebDriver:ExecuteScript' ? answerTo(parameters) : null }]));
    if (name === 'Marionette:Quit') { rmSync(folder + '/MarionetteActivePort'); setTimeout(() => process.exit(0), 10); }
  });
});
server.listen(0, '127.0.0.1', () => writeFileSync(folder + '/MarionetteActivePort', String(server.address().port)));
`;

/** Write that program; the shell starts it by its first line. */
export function standInFirefox(file: string): string {
  writeFileSync(`${file}.mjs`, STAND_IN);
  writeFileSync(file, `#!/bin/sh\nexec '${process.execPath}' '${file}.mjs' "$@"\n`, { mode: 0o755 });
  return file;
}

/** A WebDAV folder with one backup, which takes more, and the file of the age key that opens it. */
export async function startPracticeDav(keyFile: string) {
  const identity = await generateX25519Identity();
  writeFileSync(keyFile, `${identity}\n`, { mode: 0o600 });
  const recipient = await identityToRecipient(identity);
  const vault = {
    version: 1,
    time: '2026-11-25T08:15:00Z',
    host: 'desk',
    logins: [],
    bookmarks: [],
    extensions: [],
  } as const;
  const name = '2026-11-25T081500Z-desk.age';
  const files = new Map([
    [`/${name}`, Buffer.from(await encryptAge(packVault(vault), { recipients: [recipient] }))],
  ]);
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (request.method === 'PROPFIND')
        return response
          .writeHead(207)
          .end(`<multistatus xmlns="DAV:"><response><href>/${name}</href></response></multistatus>`);
      if (request.method === 'PUT') files.set(path, Buffer.concat(chunks));
      if (request.method === 'MOVE')
        files.set(
          new URL(String(request.headers['destination'])).pathname,
          files.get(path) ?? Buffer.alloc(0),
        );
      return response
        .writeHead(request.method === 'GET' ? 200 : 201)
        .end(request.method === 'GET' ? files.get(path) : '');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    recipient,
    close: () => server.close(),
  };
}

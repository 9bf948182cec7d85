#!/usr/bin/env node
// The checkpassword interface (fd 3) for Dovecot and qmail: asks "postern login serve" and, when it lets somebody in,
// runs the program that it was given. It has no database and no key, and loads nothing but Node's sockets.
//
//   postern-checkpassword [--socket PATH] [--token-file FILE] [--service NAME] PROGRAM [ARGUMENT...]
//
// Exit codes are those of the interface: 1 refused, 2 called wrongly, 111 temporary failure.
//
// A script and no module, and child processes only once they are needed: that starts some milliseconds sooner.
const { fstatSync, readFileSync, readSync } = require('node:fs');
const { connect } = require('node:net');

const REFUSED = 1;
const MISUSED = 2;
const TEMPORARY = 111;

/** The interface hands over at most so many bytes. */
const MAX_INPUT = 512;
const MAX_ANSWER = 16_384;
const TIMEOUT_MS = 20_000;

/** @type {(code: number, text: string) => never} */
function end(code, text) {
  process.stderr.write(`postern-checkpassword: ${text}\n`);
  process.exit(code);
}

function parseArguments(given) {
  const { POSTERN_LOGIN_SOCKET, POSTERN_LOGIN_TOKEN_FILE, SERVICE, PROTO } = process.env;
  const options = {
    socket: POSTERN_LOGIN_SOCKET ?? '/run/postern/login.sock',
    'token-file': POSTERN_LOGIN_TOKEN_FILE ?? '/etc/postern/login.token',
    // Dovecot gives the service; qmail and its kin serve POP3.
    service: SERVICE ?? (PROTO === 'TCP' ? 'pop3' : ''),
  };
  let at = 0;
  for (; given[at]?.startsWith('--'); at += 2) {
    const name = given[at].slice(2);
    if (!(name in options) || given[at + 1] === undefined) end(MISUSED, `unknown option ${given[at]}`);
    options[name] = given[at + 1];
  }
  if (given[at] === undefined) end(MISUSED, 'a program to run is missing');
  return { ...options, program: given[at], args: given.slice(at + 1) };
}

/** User and password, each ended by a zero byte. */
function readCredentials() {
  const bytes = Buffer.alloc(MAX_INPUT + 1);
  let size = 0;
  const untilMs = Date.now() + TIMEOUT_MS;
  for (let got = -1; got !== 0 && size < bytes.length; size += Math.max(0, got)) {
    try {
      got = readSync(3, bytes, size, bytes.length - size, null);
    } catch (error) {
      // Dovecot's end does not block: what is not there yet comes in a moment.
      if (error.code !== 'EAGAIN') end(MISUSED, `nothing to read on descriptor 3: ${error.code}`);
      if (Date.now() > untilMs) end(TEMPORARY, 'nothing came on descriptor 3');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
    }
  }
  const parts = bytes.toString('utf8', 0, Math.min(size, MAX_INPUT)).split('\0');
  bytes.fill(0);
  if (size > MAX_INPUT || parts.length < 3)
    end(MISUSED, 'descriptor 3 does not hold user, password and time');
  return { account: parts[0], password: parts[1] };
}

function readToken(file) {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    return end(TEMPORARY, `cannot read the token: ${error.code}`);
  }
}

/** One request over the socket, by hand: loading Node's HTTP takes longer than all the rest. */
function ask({ socket, token, body }, done) {
  const text = JSON.stringify(body);
  const chunks = [];
  let size = 0;
  const connection = connect(socket);
  const fail = (why) => end(TEMPORARY, `the login service does not answer: ${why}`);
  connection.setTimeout(TIMEOUT_MS, () => fail('it takes too long'));
  connection.on('error', (error) => fail(error.code));
  connection.on('connect', () => {
    connection.write(
      `POST /v1/login HTTP/1.1\r\nHost: service\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n` +
        `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
    );
  });
  connection.on('data', (chunk) => {
    size += chunk.length;
    if (size > MAX_ANSWER) fail('its answer is too long');
    chunks.push(chunk);
  });
  connection.on('end', () => {
    const answer = Buffer.concat(chunks).toString('utf8');
    const status = /^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1];
    if (status !== '200') return fail(`status ${status ?? 'none'}`);
    try {
      done(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4)));
    } catch {
      fail('it is another service');
    }
  });
}

/** Descriptors up to 9 that are open: the program may have been promised one, as Dovecot's is 4. */
function inherited() {
  return Array.from({ length: 7 }, (_, index) => {
    const fd = index + 3;
    try {
      fstatSync(fd);
      return fd > 3 ? fd : 'ignore';
    } catch {
      return 'ignore';
    }
  });
}

/** Become the program, as far as Node can: its streams, its signals, its end. */
function run(program, args, account) {
  const { spawn } = require('node:child_process');
  const child = spawn(program, args, {
    stdio: ['inherit', 'inherit', 'inherit', ...inherited()],
    env: { ...process.env, USER: account },
  });
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(name, () => child.kill(name));
  child.on('error', (error) => end(TEMPORARY, `cannot run ${program}: ${error.code}`));
  child.on('exit', (code) => {
    process.exitCode = code ?? TEMPORARY;
  });
}

const { socket, 'token-file': tokenFile, service, program, args } = parseArguments(process.argv.slice(2));
const credentials = readCredentials();
const address = process.env.TCPREMOTEIP ?? '';
ask({ socket, token: readToken(tokenFile), body: { ...credentials, service, address } }, (answer) => {
  if (answer.result === 'accepted') run(program, args, answer.account);
  else if (answer.result === 'refused') process.exit(REFUSED);
  else end(TEMPORARY, 'nobody could tell whether the login is good');
});

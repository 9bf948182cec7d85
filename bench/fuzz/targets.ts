// A target for each parser that is fed from outside. A target may refuse its input with an error of ours, and with
// nothing else.

import { generateKeyPairSync } from 'node:crypto';
import { readCertificate, readCertificates } from '../../src/bimi/certificate.ts';
import { DerFault } from '../../src/bimi/der.ts';
import { logoIn } from '../../src/bimi/logotype.ts';
import { readExport } from '../../src/browser/passwords/convert.ts';
import { unpackVault } from '../../src/browser/vault.ts';
import { readBatchText } from '../../src/cli/batch.ts';
import { parseRows } from '../../src/cli/rows.ts';
import { buildQuery, decodeReply, type Question } from '../../src/dns/wire.ts';
import { AppError } from '../../src/errors.ts';
import { readKeys } from '../../src/keys/transfer/read.ts';
import { readRdap } from '../../src/mediator/rdap.ts';
import { readHeader } from '../../src/message/headers.ts';
import { readMailboxes } from '../../src/message/mailboxes.ts';
import { whyNotMessage } from '../../src/message/recognise.ts';
import { inspectStructure } from '../../src/message/structure.ts';
import { parsePolicy } from '../../src/mta-sts/policy.ts';
import { parseNetwork } from '../../src/net/network.ts';
import { decodeModhex, recoverModhex } from '../../src/otp/modhex.ts';
import { decryptOtp, splitOtp } from '../../src/otp/token.ts';
import { drawLogo } from '../../src/raster/draw.ts';
import { describePath } from '../../src/received/path.ts';
import { redactPath } from '../../src/received/redact.ts';
import { canonicalJson, type Json } from '../../src/registry/canonical.ts';
import {
  listPayload,
  pointerPayload,
  readListStatement,
  readPointer,
  readRoot,
  rootPayload,
  TYPES,
} from '../../src/registry/documents.ts';
import { readEnvelope, signEnvelope, writeEnvelope } from '../../src/registry/envelope.ts';
import { buildIndex, openIndex } from '../../src/registry/index-file.ts';
import { publicHalf } from '../../src/registry/keys.ts';
import { parseDmarcReport } from '../../src/reports/dmarc.ts';
import { openReports } from '../../src/reports/documents.ts';
import { parseTlsReport } from '../../src/reports/tls.ts';
import { readEhlo } from '../../src/smtp/extensions.ts';
import { ReplyReader, replyText } from '../../src/smtp/reply.ts';
import { sanitiseSvg } from '../../src/svg/sanitise.ts';
import { parseJsonLine } from '../../src/throttle/follow/json.ts';
import { LineCutter } from '../../src/throttle/follow/tail.ts';
import { createLogParser } from '../../src/throttle/log/parse.ts';
import { parseNginxLine } from '../../src/throttle/nginx/log.ts';
import { siteName } from '../../src/throttle/site-name.ts';
import { decodeSnapshot, encodeSnapshot } from '../../src/throttle/snapshot.ts';
import { DocumentFault } from '../../src/trust/json.ts';
import { findName, openNameFile, readNameFile } from '../../src/trust/name-file.ts';
import { readOverrides } from '../../src/trust/overrides.ts';
import { matches, readRegistry } from '../../src/trust/registry.ts';
import { parsePairs, readRequest } from '../../src/validation/request.ts';
import { compareVerifiers, signedMessages } from './dkim.ts';
import type { Target } from './harness.ts';
import { filesOf, keyFiles, messages, reports, texts } from './seeds.ts';
import { throttleApi, validationServer } from './services.ts';

/** Run each of these on one input: a refusal in our own words is an answer. */
function refusable(...parsers: readonly (() => unknown)[]): Promise<unknown> {
  return Promise.all(
    parsers.map(async (parse) => {
      try {
        return await parse();
      } catch (error) {
        if (error instanceof AppError || error instanceof DocumentFault || error instanceof DerFault)
          return error;
        throw error;
      }
    }),
  );
}

function pure(name: string, seeds: Target['seeds'], feed: (input: Buffer) => unknown): Target {
  return { name, seeds, start: () => ({ feed }) };
}

const QUESTION: Question<'MX'> = { name: 'example.org', type: 'MX', checkingDisabled: false, edns: true };
const QUERY = buildQuery(QUESTION, { id: 0, caseBits: null, pad: false });

/** Replies to one question: two MX records with a compressed name, an alias, a signature, an OPT record. */
function dnsSeeds(): readonly Buffer[] {
  const question = '076578616d706c65036f726700000f0001';
  const mx = 'c00c000f000100000e100009000a046d61696cc00c';
  const alias = 'c00c0005000100000e10000603777777c00c';
  const opt = '0000291000000080000006000f00020016';
  return [
    `000081800001000100000001${question}${mx}${opt}`,
    `000081800001000200000000${question}${alias}${mx}`,
    `000081830001000000000001${question}${opt}`,
    `000081800001000100000000${question}c00c000f000100000e100004000ac00c`,
  ].map((hex) => Buffer.from(hex, 'hex'));
}

const OTP_KEY = Buffer.from('ecde18dbe76fbd0c33330f1c354871db', 'hex');
/** Authorities of marks, as they ship. */
function certificates(): readonly Buffer[] {
  const [pem] = filesOf('data/mark-roots.pem');
  return readCertificates(pem?.toString('latin1') ?? '').map(({ der }) => der);
}

/** What a mediator signs, and one of them signed. */
function statements(): readonly Buffer[] {
  const { privateKey } = generateKeyPairSync('ed25519');
  const keys = { threshold: 1, keys: [publicHalf(privateKey)] };
  const head = { mediator: 'mediator.example', version: 1, issuedMs: 0, expiresMs: 86_400_000 };
  const digest = { sha256: '0'.repeat(64), lengthBytes: 1 };
  const root = rootPayload({ ...head, name: 'M', roles: { root: keys, list: keys, pointer: keys } });
  return [
    root,
    listPayload({
      ...head,
      document: digest,
      openSignup: digest,
      journal: { lines: 1, sha256: digest.sha256 },
    }),
    pointerPayload({ ...head, rootVersion: 1, list: { ...digest, version: 1 } }),
    writeEnvelope(signEnvelope({ type: TYPES.root, payload: root, signatures: [] }, privateKey)),
  ];
}

/** A list of trusted domains as it is published. */
const LIST = Buffer.from(
  canonicalJson(JSON.parse(filesOf('examples/trust/registry.json').toString()) as Json),
);
const COUNTED = { window: 'sliding', windowMs: 600_000, prefix: 64 } as const;

/** A parser of a typed line, for all that a keyboard can do to it. */
function otp(input: Buffer): void {
  for (const text of [input.toString('utf8'), input.toString('latin1')]) {
    decodeModhex(text);
    recoverModhex(text);
    const split = splitOtp(text);
    if (split) decryptOtp(split.ciphertext, OTP_KEY);
  }
}

function smtp(input: Buffer): void {
  const reader = new ReplyReader();
  for (let at = 0; at < input.length; at += 777) {
    reader.push(input.subarray(at, at + 777));
    for (let reply = reader.next(); reply !== undefined; reply = reader.next()) {
      readEhlo(reply);
      replyText(reply);
    }
  }
}

function path(input: Buffer): void {
  const header = readHeader(input);
  whyNotMessage(input, header);
  redactPath(
    describePath({ ...header, body: input.subarray(header.bodyStart ?? input.length) }, { nowMs: 0 }),
  );
}

function accessLog(input: Buffer): void {
  const parse = createLogParser();
  for (const line of input.toString('utf8').split('\n')) parse(line);
}

const PROXIES = ['10.0.0.0/8', '2001:db8::/32'].map(parseNetwork).filter((each) => each !== null);

/** Logs that are followed: of nginx and Apache in our format, of Caddy and Traefik in JSON. */
function followedLog(input: Buffer): void {
  const cutter = new LineCutter((line) => {
    const served = line[0] === '{' ? parseJsonLine(line, PROXIES) : parseNginxLine(line);
    if (served) siteName(`${served.host}${served.method}${served.path}${served.userAgent}`);
  });
  for (let at = 0; at < input.length; at += 777) cutter.write(input.subarray(at, at + 777));
}

export const targets: readonly Target[] = [
  pure(
    'smtp-replies',
    () =>
      texts(
        '220 mx.example.org ESMTP\r\n',
        '250-mx.example.org\r\n250-SIZE 10240000\r\n250-STARTTLS\r\n250-AUTH PLAIN LOGIN\r\n250 SMTPUTF8\r\n',
        '550-5.1.1 no such\r\n550 5.1.1 user\r\n',
      ),
    smtp,
  ),
  pure('dns-messages', dnsSeeds, (input) => decodeReply(input, QUERY)),
  pure('dkim', signedMessages, compareVerifiers),
  pure('received', messages, path),
  pure('structure', messages, (input) => {
    inspectStructure(input);
    readMailboxes(input.toString('utf8'));
  }),
  pure(
    'registry',
    () => [...filesOf('examples/trust/*.json'), ...statements()],
    (input) =>
      refusable(
        () => readRegistry(input, 'list'),
        () => readOverrides(input, 'local'),
        () => readEnvelope(input),
        () => readRoot(input),
        () => readListStatement(input),
        () => readPointer(input),
      ),
  ),
  pure(
    'svg',
    () => filesOf('examples/trust/*.svg'),
    (input) => {
      const read = sanitiseSvg(input);
      if (read.kind === 'safe') drawLogo(read.root, 16);
    },
  ),
  pure('certificates', certificates, (input) =>
    refusable(
      () => readCertificate(input),
      () => logoIn(input),
    ),
  ),
  pure(
    'open-signup',
    () => texts('# open-signup/1\n# a free-mail 2026-11-25 list 1.0 (MIT)\na.example a\nb.example a\n'),
    (input) =>
      refusable(
        () => readNameFile(input),
        () => ['a.example', 'b.example', 'c.example'].map((name) => findName(openNameFile(input), name)),
      ),
  ),
  pure(
    'rdap',
    () =>
      texts(
        '{"objectClassName":"domain","ldhName":"bank.example","status":["active"],"events":[{"eventAction":"expiration","eventDate":"2027-06-30T00:00:00Z"}]}',
        '{"services":[[["example"],["https://rdap.example/"]]]}',
      ),
    (input) => refusable(() => readRdap(input)),
  ),
  pure(
    'roboform',
    () =>
      texts(
        'Name,Url,MatchUrl,Login,Pwd,Note,Folder,RfFieldsV2\r\n"a ""b""",https://example.org/,,me,secret,"two\r\nlines",/Work,"Password$,,,pass,x"\r\n',
        '\xff\xfeN\0a\0m\0e\0,\0U\0r\0l\0,\0L\0o\0g\0i\0n\0,\0P\0w\0d\0\n\0',
        '<html><body><table><tr><td class=caption colspan=3>Example</td></tr><tr><td class=subcaption>example.org</td></tr><tr><td class=field>User</td><td class=wordbreakfield>me</td></tr></table></body></html>',
      ),
    (input) =>
      refusable(
        () => readExport(input),
        () => unpackVault(input),
      ),
  ),
  pure(
    'access-logs',
    () => [
      ...filesOf('examples/access.log').map((log) => log.subarray(0, 4000)),
      ...texts(
        '{"time":"2026-01-01T00:00:00Z","remote_addr":"192.0.2.1","request_method":"GET","request_uri":"/","status":200,"body_bytes_sent":12}\n',
        '{"ts":1767225600.5,"request":{"remote_ip":"192.0.2.1","method":"GET","uri":"/","host":"example.org"},"status":200,"size":5}\n',
        'Jan  1 00:00:00 lb haproxy[1]: 192.0.2.1:5000 [01/Jan/2026:00:00:00.123] in back/one 0/0/0/1/1 200 512 - - ---- 1/1/0/0/0 0/0 "GET / HTTP/1.1"\n',
        '#Fields: date time c-ip cs-method cs-uri-stem sc-status sc-bytes\n2026-01-01 00:00:00 192.0.2.1 GET / 200 5\n',
      ),
    ],
    accessLog,
  ),
  pure(
    'followed-logs',
    () => [
      ...filesOf('test/fixtures/traefik/access.jsonl'),
      ...texts(
        'postern1\tl\t\t192.0.2.1\twww.example.org\t1260\tGET\t/\\x22\tcurl\n',
        '{"request":{"remote_ip":"10.0.0.1","host":"example.org","uri":"/","headers":{"X-Forwarded-For":["192.0.2.1"]}},"size":5,"resp_headers":{}}\n',
      ),
    ],
    followedLog,
  ),
  pure(
    'otp',
    () =>
      texts(
        'dteffuje9hknhfjbrjnlnldnhcujvddbikngjrtgh',
        'CCCCCCCCCCCBHHVIDKEVCLLDKBRLRKJKTRDCLJUIRVCT',
        'cccccccccccbhhvidkevclldkbrlrkjktrdcljuirvct',
      ),
    otp,
  ),
  pure(
    'validation-query',
    () =>
      texts(
        'id=1&otp=cccccccccccbhhvidkevclldkbrlrkjktrdcljuirvct&nonce=0123456789abcdef&timestamp=1&sl=secure&h=YWJj%3D',
        'nonce=a&nonce=b&id=0&otp=+%20%zz&h',
      ),
    (input) => {
      const pairs = parsePairs(input.toString('latin1'));
      if (pairs) readRequest(pairs);
    },
  ),
  pure(
    'batch',
    () =>
      texts(
        '{"id":"1","domain":"example.org"}\n{"id":2,"otp":"cccc","file":"../x"}\n',
        '{"schema":"postern.mx.probe/1","target":"example.org","status":"ok","summary":"x","time":"2026-01-01T00:00:00Z"}\n',
      ),
    (input) =>
      refusable(
        () => readBatchText('batch', input),
        () => parseRows('rows', input.toString('utf8'), 'postern.mx.probe/1'),
      ),
  ),
  pure(
    'caches',
    () => [
      buildIndex(LIST),
      Buffer.from(encodeSnapshot(new Uint32Array(256), COUNTED, 1_800_000_000)),
      ...texts('version: STSv1\r\nmode: enforce\r\nmx: *.example.org\r\nmax_age: 604800\r\n'),
    ],
    (input) => {
      decodeSnapshot(input, COUNTED, 1_800_000_000);
      parsePolicy(input.toString('utf8'));
      return refusable(() => {
        const list = openIndex(LIST, input, 'mediator.example');
        if (list) matches(list, 'mail.example-bank.example');
      });
    },
  ),
  pure('reports', reports, (input) =>
    refusable(
      async () => {
        for (const { name, text } of await openReports('report', input))
          await refusable(
            () => parseDmarcReport(name, text),
            () => parseTlsReport(name, text),
          );
      },
      () => parseDmarcReport('report', input.toString('utf8')),
      () => parseTlsReport('report', input.toString('utf8')),
    ),
  ),
  // A database is opened by its name, and not here.
  pure('key-files', keyFiles, (input) => refusable(() => readKeys(input, '/nonexistent', undefined))),
  validationServer,
  throttleApi,
];

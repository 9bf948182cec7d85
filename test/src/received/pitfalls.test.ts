import { expect, test } from 'vitest';
import { parseReceived } from '../../../src/received/parse.ts';
import type { Trace } from '../../../src/received/types.ts';

const DATE = 'Tue, 24 Nov 2026 10:00:00 +0000';
const ISO = '2026-11-24T10:00:00Z';

/** Each pitfall with what must be read all the same. */
const ROWS: readonly (readonly [pitfall: string, line: string, expected: Record<string, unknown>])[] = [
  [
    'folds with tabs and spaces, inside the date too',
    `from c.example\r\n\t\t([192.0.2.1])\r\n by\r\n\tmx.example with ESMTPS id 1; Tue, 24\r\n\tNov 2026\r\n 10:00:00\r\n +0000`,
    { by: 'mx.example', date: ISO },
  ],
  [
    'a semicolon inside a comment',
    `from c.example ([192.0.2.1]) by mx.example (a; b) with ESMTP id 1; ${DATE}`,
    { id: '1', date: ISO },
  ],
  [
    'a semicolon after the id',
    `from c.example ([192.0.2.1]) by mx.example with ESMTP id 04EK; for <u@example.org>; ${DATE}`,
    { id: '04EK', for: 'u@example.org', date: ISO },
  ],
  [
    'a semicolon behind the date',
    `from c.example ([192.0.2.1]) by mx.example with ESMTP id 1; ${DATE};`,
    { date: ISO },
  ],
  [
    'comments in comments in comments',
    `from c.example (c.example [192.0.2.1] (a (b (c) d) e)) by mx.example with ESMTP id 1; ${DATE}`,
    { by: 'mx.example', date: ISO },
  ],
  [
    'a bracket that never closes',
    `from c.example (c.example [192.0.2.1] by mx.example with ESMTP id 1; ${DATE}`,
    { by: 'mx.example', date: ISO },
  ],
  [
    'a bracket that never opened',
    `from c.example [192.0.2.1]) by mx.example with ESMTP id 1; ${DATE}`,
    { by: 'mx.example', date: ISO },
  ],
  [
    'a quoted bracket',
    `from c.example (c\\) [192.0.2.1]) by mx.example with ESMTP id 1 for <"a;(b"@example.org>; ${DATE}`,
    { for: '"a;(b"@example.org', date: ISO },
  ],
  [
    'two by, two with',
    `by me.example by you.example with this with that ${DATE}`,
    { by: 'me.example', with: 'this', date: ISO },
  ],
  [
    'upper case',
    `FROM c.example (r.example [192.0.2.1]) BY mx.example ID 434B508E.174A6.13932 ; ${DATE}`,
    { by: 'mx.example', id: '434B508E.174A6.13932', with: null },
  ],
  [
    'clauses in another order',
    `by mx.example from c.example (r.example [192.0.2.1]) id 1 with ESMTPS; ${DATE}`,
    { by: 'mx.example', with: 'ESMTPS', encrypted: 'yes' },
  ],
  ['only a date', DATE, { by: null, date: ISO, encrypted: 'unknown' }],
  ['a single word', 'apparently', { by: null, date: null, encrypted: 'unknown' }],
  ['nothing', '', { by: null, date: null }],
  ['a semicolon only', ';', { by: null, date: null }],
  [
    'NUL bytes',
    `from c.ex\0ample ([192.0.2.1]) by mx.example with ESMTP id 1; ${DATE}`,
    { by: 'mx.example', date: ISO },
  ],
  [
    'the id in the place of with',
    `from [192.0.2.1] by mx.example id MgPxU0vtURrs with SMTP; ${DATE}`,
    { id: 'MgPxU0vtURrs', with: 'SMTP' },
  ],
  [
    'an empty with',
    `from [10.0.1.11] ([192.0.2.1]) by mx.example with id 4KyS1p; ${DATE}`,
    { with: null, id: '4KyS1p', encrypted: 'unknown' },
  ],
  [
    'no space after a bracket',
    `from c.example (r.example [192.0.2.1])by  mx.example (Postfix) with ESMTP id 846CF2117; ${DATE}`,
    { by: 'mx.example' },
  ],
  [
    'words on the way',
    `from c.example (r.example [192.0.2.1]) at just after 10pm by mx.example on a Friday (CrazyMTA) with TFTP`,
    { by: 'mx.example', with: 'TFTP', encrypted: 'unknown', date: null },
  ],
  [
    'a final dot',
    `from c.example (r.example. [192.0.2.1]) by mx.example. with ESMTPS id 1; ${DATE}`,
    { by: 'mx.example' },
  ],
  ['no date', 'from c.example ([192.0.2.1]) by mx.example with ESMTP id 1', { date: null, id: '1' }],
  [
    'a misprinted hour',
    'from c.example ([192.0.2.1]) by mx.example with ESMTP id 1; Mon, 13 Aug 1998 l8:14:23 +1000',
    { date: null, id: '1' },
  ],
  ['a day without a time', '; 22 Apr 2018', { date: null }],
  [
    'angle brackets in angle brackets',
    `from c.example ([192.0.2.1]) by mx.example with ESMTP id 1 for <<u@example.org>>; ${DATE}`,
    { for: '<u@example.org>' },
  ],
  [
    'dangerous names',
    `from __proto__ ([192.0.2.1]) by constructor with hasOwnProperty id __proto__; ${DATE}`,
    { by: 'constructor', id: '__proto__', encrypted: 'unknown' },
  ],
];

test.for(ROWS)('%s', ([, line, expected]) => {
  expect(parseReceived(line)).toMatchObject(expected);
});

type From = Trace['from'];

/** Ways of writing the client. */
const CLIENTS: readonly (readonly [clause: string, expected: Partial<From>])[] = [
  ['c.example (HELO ) (192.0.2.1)', { ip: '192.0.2.1', helo: null, rdns: 'c.example' }],
  ['c.example () ([])', { ip: null, helo: 'c.example' }],
  ['unknown (HELO ?192.168.0.2?) (192.0.2.1)', { ip: '192.0.2.1', helo: '?192.168.0.2?', rdns: null }],
  ['c.example ([192.0.2.1.63559])', { ip: '192.0.2.1', port: 63_559 }],
  ['c.example ([192.0.2.1]:23198)', { ip: '192.0.2.1', port: 23_198 }],
  ['c.example ([192.0.2.1:60938])', { ip: '192.0.2.1', port: 60_938 }],
  ['c.example (r.example [IPv6:2001:DB8:0:0::1])', { ip: '2001:db8::1', rdns: 'r.example' }],
  ['c.example (r.example [IPV6:2001:db8::1])', { ip: '2001:db8::1' }],
  ['c.example (r.example [::ffff:192.0.2.1])', { ip: '192.0.2.1' }],
  ['c.example ([fe80::1%11])', { ip: 'fe80::1' }],
  ['c.example (2001:db8::1)', { ip: '2001:db8::1' }],
  ['c.example (ident@192.0.2.1)', { ip: '192.0.2.1', ident: 'ident' }],
  [
    'unknown (HELO x) (user@example.org@192.0.2.1)',
    { ip: '192.0.2.1', ident: 'user@example.org', helo: 'x' },
  ],
  ['unknown (HELO x) (user@example.org@[192.0.2.1])', { ip: '192.0.2.1', ident: 'user@example.org' }],
  ['192.0.2.1', { ip: '192.0.2.1', helo: null }],
  ['( 192.0.2.1 )', { ip: '192.0.2.1' }],
  ['localhost[127.0.0.1]', { ip: '127.0.0.1' }],
  ['with (r.example [192.0.2.1])', { helo: 'with', rdns: 'r.example', ip: '192.0.2.1' }],
  ['by (r.example [192.0.2.1])', { helo: 'by', ip: '192.0.2.1' }],
  ['c.example ([unknown] [192.0.2.1])', { ip: '192.0.2.1', rdns: null }],
  ['c.example ([192.0.2.1] unverified)', { ip: '192.0.2.1', rdns: null }],
  ['c.example (999.0.2.1)', { ip: null }],
  ['[192.0.2.1] (port=52853 helo=[192.168.1.100])', { ip: '192.0.2.1', port: 52_853, helo: '192.168.1.100' }],
];

test.for(CLIENTS)('from %s', ([clause, expected]) => {
  expect(parseReceived(`from ${clause} by mx.example with ESMTP id 1; ${DATE}`).from).toMatchObject(expected);
});

/** What must never be taken for encryption: the words stand where a client or a name put them. */
const NO_EVIDENCE = [
  `from tls.example (tls.example [192.0.2.1]) by mx.example with ESMTP id 1; ${DATE}`,
  `from smtps.example ([192.0.2.1]) by mx.example with Microsoft SMTPSVC(6.0.3790.4675); ${DATE}`,
  `from c.example ([192.0.2.1]) by mx.example (TLS Gateway 3) with ESMTP id 1; ${DATE}`,
  `from c.example ([192.0.2.1]) by mx.example (SSL) with ESMTP id 1; ${DATE}`,
  `from c.example ([192.0.2.1]) by mx.example with ESMTP id 1 for <tlsrpt@example.org>; ${DATE}`,
  `from c.example ([192.0.2.1]) by mx.example with ESMTP id ESMTPS for <u@example.org>; ${DATE}`,
  `from c.example (HELO using TLSv1.3 with cipher ${'TLS_AES_256_GCM_SHA384'}) (192.0.2.1) by mx.example with SMTP; ${DATE}`,
  `from c.example ([192.0.2.1] helo=TLSv1.3:TLS_AES_256_GCM_SHA384:256) by mx.example with esmtp (Exim 4.96) id 1mdzAQ-0005dc-8v; ${DATE}`,
  `from version=TLSv1.3 (cipher=TLS_AES_256_GCM_SHA384) by mx.example with ESMTP id 1; ${DATE}`,
  `from c.example ([192.0.2.1]) by mx.example with ESMTP (version=NONE cipher=NONE) id 1; ${DATE}`,
  `from c.example ([192.0.2.1]) (Authenticated sender: using TLSv1.3) by mx.example (Postfix) with ESMTPA id 4AB0C12345; ${DATE}`,
  `from c.example ([192.0.2.1]) (Client CN "TLSv1.3", Issuer "x" (verified OK)) by mx.example (Postfix) with ESMTP id 4AB0C12345; ${DATE}`,
  `from c.example ([192.0.2.1]) by mx.example with ESMTP tls is great id 1; ${DATE}`,
  `from c.example ([192.0.2.1]) by mx.example over TLS with ESMTP id 1; ${DATE}`,
  `from c.example ([192.0.2.1]) by mx.example with ESMTP (TLS) id 1; ${DATE}`,
  `from c.example ([192.0.2.1]) by mx.example with ESMTP (Google Transport Security) id 1; ${DATE}`,
  `from c.example ([192.0.2.1]) by mx.example with ESMTP (no TLS) id 1; ${DATE}`,
  `from c.example ([192.0.2.1]) (using NULL with cipher NULL-SHA) by mx.example with ESMTP id 1; ${DATE}`,
  `from c.example ([192.0.2.1]) (using TLSv1.2 with cipher ECDHE-RSA-NULL-SHA (0/0 bits)) by mx.example (Postfix) with ESMTPS id 4AB0C12345; ${DATE}`,
];

test.for(NO_EVIDENCE)('no evidence of TLS: %s', (line) => {
  expect(parseReceived(line).encrypted).not.toBe('yes');
});

/** Remarks on a line. */
const FLAGS: readonly (readonly [flag: string, line: string])[] = [
  [
    'sslv3',
    `from c ([192.0.2.1]) (using SSLv3 with cipher RC4-MD5 (128/128 bits)) by mx.example (Postfix) with ESMTPS id 4AB0C12345; ${DATE}`,
  ],
  [
    'rc4',
    `from c ([192.0.2.1]) (using TLSv1 with cipher RC4-SHA (128/128 bits)) by mx.example (Postfix) with ESMTPS id 4AB0C12345; ${DATE}`,
  ],
  [
    'tls1.0',
    `from c ([192.0.2.1]) (using TLSv1 with cipher AES256-SHA (256/256 bits)) by mx.example (Postfix) with ESMTPS id 4AB0C12345; ${DATE}`,
  ],
  [
    'tls1.1',
    `from c ([192.0.2.1]) (using TLSv1.1 with cipher AES256-SHA (256/256 bits)) by mx.example (Postfix) with ESMTPS id 4AB0C12345; ${DATE}`,
  ],
  [
    'no-forward-secrecy',
    `from c ([192.0.2.1]) (using TLSv1.2 with cipher AES256-GCM-SHA384 (256/256 bits)) by mx.example (Postfix) with ESMTPS id 4AB0C12345; ${DATE}`,
  ],
  [
    'cbc',
    `from c ([192.0.2.1]) (using TLSv1.2 with cipher ECDHE-RSA-AES256-SHA384 (256/256 bits)) by mx.example (Postfix) with ESMTPS id 4AB0C12345; ${DATE}`,
  ],
  [
    '3des',
    `from c ([192.0.2.1]) by mx.example with esmtps (TLSv1:DES-CBC3-SHA:168) (Exim 4.41) id 1mdzAQ-0005dc-8v; ${DATE}`,
  ],
  [
    'anonymous',
    `from c ([192.0.2.1]) (using TLSv1.2 with cipher ADH-AES256-GCM-SHA384 (256/256 bits)) by mx.example (Postfix) with ESMTPS id 4AB0C12345; ${DATE}`,
  ],
  [
    'export',
    `from c ([192.0.2.1]) by mx.example (8.12.1/8.12.1) with ESMTP id g1 (version=TLSv1 cipher=EXP-RC4-MD5 bits=40 verify=NO); ${DATE}`,
  ],
  [
    'null-cipher',
    `from c ([192.0.2.1]) (using TLSv1.2 with cipher NULL-SHA256 (0/0 bits)) by mx.example (Postfix) with ESMTPS id 4AB0C12345; ${DATE}`,
  ],
  [
    'post-quantum',
    `from c ([192.0.2.1]) (using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519MLKEM768) by mx.example (Postfix) with ESMTPS id 4AB0C12345; ${DATE}`,
  ],
  [
    'impossible-tls',
    `from c ([192.0.2.1]) (using TLSv1.3 with cipher AES256-SHA (256/256 bits)) by mx.example (Postfix) with ESMTPS id 4AB0C12345; ${DATE}`,
  ],
  [
    'impossible-tls',
    `from c ([192.0.2.1]) (using TLSv1.0 with cipher ECDHE-RSA-AES256-GCM-SHA384 (256/256 bits)) by mx.example (Postfix) with ESMTPS id 4AB0C12345; ${DATE}`,
  ],
  [
    'may-be-forged',
    `from c (r.example [192.0.2.1] (may be forged)) by mx.example (8.17.1/8.17.1) with ESMTP id 2B; ${DATE}`,
  ],
  ['id-format', `from c (r.example [192.0.2.1]) by mx.example (Postfix) with ESMTP id not-an-id; ${DATE}`],
  ['id-format', `from c ([192.0.2.1]) by mx.example with esmtp (Exim 4.96) id 4CA80EAC911C; ${DATE}`],
  ['no-date', 'from c ([192.0.2.1]) by mx.example with ESMTP id 1'],
  ['zone-unknown', 'from c ([192.0.2.1]) by mx.example with ESMTP id 1; Sun Nov 13 14:50:12 2005'],
];

test.for(FLAGS)('%s: %s', ([flag, line]) => {
  expect(parseReceived(line).flags).toContain(flag);
});

test('an AEAD suite tells the least version where the label does not', () => {
  const line = `from c ([192.0.2.1]) by mx.example (8.14.9/8.14.9) with ESMTP id 1 (version=TLSv1/SSLv3 cipher=AES256-GCM-SHA384 bits=256 verify=NO); ${DATE}`;
  expect(parseReceived(line).tls).toMatchObject({
    version: null,
    versionWritten: 'TLSv1/SSLv3',
    atLeast: 'TLSv1.2',
  });
});

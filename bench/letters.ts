const WORDS =
  'the quarterly statement of your account is ready  and waits for you in the usual place until the end of the month'.split(
    ' ',
  );

/** Lines of 70 characters, one in two of them with something to relax: two blanks, or one at its end. */
function text(bytes: number, seed: number): string {
  let dice = seed + 1;
  const lines: string[] = [];
  for (let length = 0; length < bytes; length += (lines.at(-1)?.length ?? 0) + 2) {
    let line = '';
    while (line.length < 64) {
      dice = (dice * 1_103_515_245 + 12_345) % 2_147_483_648;
      line += `${WORDS[dice % WORDS.length] ?? ''} `;
    }
    lines.push(dice % 7 === 0 ? line : line.trimEnd());
  }
  return lines.map((line) => `${line}\r\n`).join('');
}

/** About so many bytes has the signature that is still to come. */
const SIGNATURE = 650;

/** A letter of a bank of about so many bytes once it is signed, as it lies in a mailbox. */
export function letterOf(number: number, bytes: number): Buffer {
  const head = [
    `Return-Path: <bounce-${number}@bank.example>`,
    'Delivered-To: user@example.org',
    'Received: from mx.example.org ([192.0.2.9])',
    `\tby store.example.org with LMTP id ${number}Ab`,
    '\tfor <user@example.org>; Tue, 24 Nov 2026 10:00:01 +0000',
    'Received: from mail.bank.example (mail.bank.example [192.0.2.20])',
    '\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))',
    `\tby mx.example.org (Postfix) with ESMTPS id 4Xy${number}`,
    '\tfor <user@example.org>; Tue, 24 Nov 2026 10:00:00 +0000 (UTC)',
    `Received-SPF: pass client-ip=192.0.2.20; envelope-from=bounce-${number}@bank.example`,
    'Received: from app.bank.example (app.bank.example [10.0.0.7])',
    `\tby mail.bank.example with ESMTP id ${number}`,
    '\tfor <user@example.org>; Tue, 24 Nov 2026 09:59:59 +0000',
    'Date: Tue, 24 Nov 2026 10:00:00 +0000',
    'From: Bank <statements@bank.example>',
    'To: User <user@example.org>',
    `Subject: Your statement number ${number}`,
    `Message-ID: <${number}.statement@bank.example>`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: 8bit',
    `List-Unsubscribe: <https://bank.example/unsubscribe/${number}>`,
    '',
    '',
  ].join('\r\n');
  return Buffer.from(head + text(bytes - head.length - SIGNATURE, number), 'latin1');
}

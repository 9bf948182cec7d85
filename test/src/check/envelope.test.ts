import { expect, test } from 'vitest';
import { deriveEnvelope, type Envelope, type Given } from '../../../src/check/envelope.ts';
import { readHeader } from '../../../src/message/headers.ts';
import { describePath } from '../../../src/received/path.ts';

const BORDER =
  'Received: from out.bank.example (out.bank.example [192.0.2.20])\n' +
  '\tby mx.home.example (Postfix) with ESMTPS id 4XyZ; Wed, 25 Nov 2026 12:00:00 +0000\n';
const FORGED =
  'Received: from bank.example (bank.example [203.0.113.1]) by mx.home.example with ESMTPS; Wed, 25 Nov 2026 11:00:00 +0000\n' +
  'Received-SPF: pass client-ip=203.0.113.1; envelope-from="a@bank.example"; helo=bank.example\n' +
  'Return-Path: <forged@bank.example>\n' +
  'Authentication-Results: mx.home.example; spf=pass smtp.remote-ip=203.0.113.1\n';

function derive(text: string, given: Given = {}): Envelope {
  const header = readHeader(Buffer.from(`${text}From: a@bank.example\n\n`));
  const path = describePath(header, { nowMs: Date.parse('2026-11-25T13:00:00Z') });
  return deriveEnvelope(header.fields, path, given);
}

const told = ({ ip, helo, mailFrom }: Envelope) =>
  [ip, helo, mailFrom].map(({ value, origin }) => `${value} ${origin}`);

test('the border’s line tells address and HELO; an unknown return path is not an empty one', () => {
  const envelope = derive(BORDER + FORGED);
  expect(told(envelope)).toEqual(['192.0.2.20 received', 'out.bank.example received', 'null unknown']);
  expect(envelope.noQuestion).toMatch(/MAIL FROM/);
});

test('what our own server wrote above the border counts for more', () => {
  const spf =
    'Received-SPF: Pass (mx.home.example: client-ip=198.51.100.9 (no)) receiver=mx.home.example; client-ip=192.0.2.21;\n' +
    ' envelope-from="bounce@bank.example"; helo=smtp.bank.example;\n';
  expect(told(derive(spf + BORDER + FORGED))).toEqual([
    '192.0.2.21 received-spf',
    'smtp.bank.example received-spf',
    'bounce@bank.example received-spf',
  ]);
});

test('so do our own Authentication-Results and one Return-Path', () => {
  const own =
    'Return-Path: <bounce@bank.example>\nAuthentication-Results: mx.home.example; iprev=pass policy.iprev=192.0.2.22\n';
  expect(told(derive(own + BORDER + FORGED))).toEqual([
    '192.0.2.22 authentication-results',
    'out.bank.example received',
    'bounce@bank.example return-path',
  ]);
});

test('results of a stranger do not, wherever they stand', () => {
  const strange = 'Authentication-Results: mx.attack.example; spf=pass smtp.remote-ip=203.0.113.1\n';
  expect(derive(strange + BORDER).ip).toEqual({ value: '192.0.2.20', origin: 'received' });
});

test('of two Return-Path fields nobody knows which is ours', () => {
  const two = 'Return-Path: <a@bank.example>\nReturn-Path: <b@bank.example>\n';
  expect(derive(two + BORDER).mailFrom.value).toBeNull();
});

test('an empty path is a value', () => {
  const envelope = derive(`Return-Path: <>\n${BORDER}`);
  expect([envelope.mailFrom.value, envelope.noQuestion]).toEqual(['', null]);
});

test('what is given beats everything', () => {
  const given = { ip: '192.0.2.99', helo: 'given.example', mailFrom: '<>', mta: 'mx.given.example' };
  const envelope = derive(`Return-Path: <a@bank.example>\n${BORDER}`, given);
  expect(told(envelope)).toEqual(['192.0.2.99 given', 'given.example given', ' given']);
  expect(envelope.mta).toEqual({ value: 'mx.given.example', origin: 'given' });
});

test('a message that a user handed in is no question for SPF', () => {
  const login = BORDER.replace('ESMTPS', 'ESMTPSA');
  expect(derive(`Return-Path: <a@bank.example>\n${login}`).noQuestion).toMatch(/logged in/);
});

test('without a border nothing is known', () => {
  const envelope = derive('Return-Path: <a@bank.example>\n');
  expect(told(envelope)).toEqual(['null unknown', 'null unknown', 'null unknown']);
  expect(envelope.noQuestion).toMatch(/address of the client/);
});

test('address and HELO alone are a question about the HELO name, when they are given', () => {
  expect(derive('', { ip: '192.0.2.1', helo: 'a.example' }).noQuestion).toBeNull();
});

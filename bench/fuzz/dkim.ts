// Two verifiers fed the same damaged messages: what we verify ourselves has to come out as mailauth has it.
import { deepStrictEqual } from 'node:assert';
import { generateKeyPairSync } from 'node:crypto';
import { Ed25519Verifier } from '../../src/dkim/direct/ed25519.ts';
import { Workbench } from '../../src/dkim/direct/verify.ts';
import { splitFields } from '../../src/dkim/fields.ts';
import { verifyDkim } from '../../src/dkim/verify.ts';
import type { Resolver } from '../../src/dns/types.ts';
import { keyRecord, signMessage } from '../../src/lab/dkim-signer.ts';
import { toWire } from '../../src/message/wire.ts';

const NOW = Date.parse('2026-11-25T12:00:00Z');
/** With libsodium from the second signature on. */
const workbench = new Workbench(new Ed25519Verifier(2));
/** Ends the first line, which is the key record that every question is answered with: it is damaged as well. */
const END = '\r\n';

/** A key record, and below it a message that is signed with the key. */
export function signedMessages(): readonly Buffer[] {
  const keys = [
    generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey,
    generateKeyPairSync('ed25519').privateKey,
  ];
  const letter = Buffer.from(
    'Subject:  A  letter\r\n\tfolded\r\nFrom: Bank <a@bank.example>\r\nTo: b@home.example\r\n' +
      'X-Note: first\r\nX-Note: second\r\n\r\nTwo  blanks,\ta tab, \r\n\r\nand the end.\r\n\r\n\r\n',
  );
  const bodies = ['simple', 'relaxed'] as const;
  return keys.flatMap((key) =>
    bodies.flatMap((body) =>
      bodies.map((header) => {
        const tags = { t: '1790000000', x: '1900000000', i: '@bank.example', q: 'dns/txt' };
        const names = ['from', 'to', 'subject', 'x-note', 'x-note', 'x-note'];
        const signing = { domain: 'bank.example', selector: 's', key, names, tags };
        const once = signMessage(letter, { ...signing, canonicalization: [header, body] });
        const twice = signMessage(once, { ...signing, tags: {}, canonicalization: [body, header] });
        return Buffer.concat([Buffer.from(keyRecord(key).join('') + END), twice]);
      }),
    ),
  );
}

function answering(record: string): Resolver {
  const meta = { dnssec: 'insecure', cnames: [], ede: [], ttl: null, server: 'cache' } as const;
  return {
    async resolve(name, type) {
      return { ...meta, name, type, kind: 'found', owner: name, records: [[record]] as never };
    },
  };
}

/** @throws AssertionError when the verdicts differ */
export async function compareVerifiers(input: Buffer): Promise<void> {
  const end = input.indexOf(END);
  const record = input.toString('latin1', 0, Math.max(end, 0));
  const wire = toWire(input.subarray(end === -1 ? 0 : end + END.length));
  // Longer runs of blanks are refused before: mailauth takes the square of them.
  if (/[ \t\r\n]{500}/.test(wire.head.toString('latin1'))) return;
  const fields = splitFields(wire.head);
  const question = { wire, fields, authorDomain: 'bank.example', nowMs: NOW, dns: answering(record) };
  const ours = await verifyDkim({ ...question, workbench });
  const theirs = await verifyDkim({ ...question, workbench: null });
  deepStrictEqual(ours.signatures, theirs.signatures);
  deepStrictEqual(ours.chain, theirs.chain);
}

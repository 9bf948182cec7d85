import { describe, expect, test } from 'vitest';
import { pointerPayload, type Root, rootPayload } from '../../../src/registry/documents.ts';
import { readEnvelope, writeEnvelope } from '../../../src/registry/envelope.ts';
import { makeSigningKey, sha256 } from '../../../src/registry/keys.ts';
import { firstHolding, type Holding, holdingFrom, update } from '../../../src/registry/update.ts';
import { writeNameFile } from '../../../src/trust/name-file.ts';
import {
  DAY_MS,
  memorySource,
  type Publication,
  publication,
  ring,
  roleKeys,
  rootDocument,
  sealed,
} from '../../helpers/registry.ts';
import { entryDocument, NOW } from '../../helpers/trust.ts';

const keys = ring();
const foreign = ring();

function first(root: Partial<Root> = {}, of = keys): Holding {
  return firstHolding(sealed('root', rootPayload(rootDocument(of, root)), of.root));
}

/** What a reader that handed over the root holds after a day's update. */
async function heldAfter(given: Partial<Publication> = {}, held = first(), nowMs = NOW): Promise<Holding> {
  const updated = await update(held, memorySource(publication({ keys, ...given })), {
    nowMs,
    have: new Set(),
  });
  expect(updated.fault).toBeNull();
  return updated.holding;
}

async function faultOf(
  files: ReadonlyMap<string, Buffer>,
  held = first(),
  nowMs = NOW,
): Promise<string | null> {
  const { fault, document } = await update(held, memorySource(files), { nowMs, have: new Set() });
  if (fault !== null) expect(document).toBeNull();
  return fault?.rule ?? null;
}

const changed = (files: Map<string, Buffer>, part: string, change: (bytes: Buffer) => Buffer) => {
  for (const [name, bytes] of files) if (name.includes(part)) files.set(name, change(bytes));
  return files;
};

/** The payload with another text in it, under the signatures of the old one. */
const tampered = (from: string, to: string) => (bytes: Buffer) => {
  const envelope = readEnvelope(bytes);
  return writeEnvelope({ ...envelope, payload: Buffer.from(envelope.payload.toString().replace(from, to)) });
};

const pointerOf = (held: Holding) => held.pointer?.said ?? expect.unreachable();

test('what a mediator publishes is taken: root, pointer, list, and the list of domains once', async () => {
  const source = memorySource(publication({ keys }));
  const updated = await update(first(), source, { nowMs: NOW, have: new Set() });
  expect(updated.fault).toBeNull();
  expect(updated.document?.length).toBeGreaterThan(100);
  const again = await update(updated.holding, source, {
    nowMs: NOW,
    have: new Set([updated.holding.list?.said.document.sha256 ?? '']),
  });
  expect(again).toMatchObject({ fault: null, document: null });
  expect(source.asked.filter((name) => name.startsWith('lists/'))).toHaveLength(1);
});

describe('an attacker who holds the web server', () => {
  test('alters the list of domains', async () => {
    const files = changed(publication({ keys }), 'lists/', (bytes) =>
      Buffer.from(bytes.toString().replace('bank.example', 'evil.example')),
    );
    expect(await faultOf(files)).toBe('digest');
  });

  test('alters what is signed', async () => {
    for (const [part, from, to] of [
      ['pointer', '"version":1', '"version":2'],
      ['.list.', '"version":1', '"version":2'],
    ] as const) {
      const fault = await faultOf(changed(publication({ keys }), part, tampered(from, to)));
      expect(['signature', 'digest'], part).toContain(fault);
    }
  });

  test('signs with keys of his own', async () => {
    expect(await faultOf(publication({ keys: { ...keys, pointer: foreign.pointer } }))).toBe('signature');
    expect(await faultOf(publication({ keys: { ...keys, list: foreign.list } }))).toBe('signature');
  });

  test('signs a list with the stolen pointer key', async () => {
    expect(await faultOf(publication({ keys: { ...keys, list: keys.pointer } }))).toBe('signature');
  });

  test('gives a pointer out for a list', async () => {
    const files = publication({ keys });
    const pointer = files.get('pointer.json') ?? Buffer.alloc(0);
    expect(await faultOf(files.set('pointer.json', files.get('1.list.json') ?? pointer))).toBe('form');
  });

  test('serves an older pointer again', async () => {
    const held = await heldAfter({ version: 5 });
    expect(await faultOf(publication({ keys, version: 4 }), held)).toBe('rollback');
    // Even when it names the list that is held already: it would live longer than the newer one.
    expect(await faultOf(publication({ keys, version: 5, pointer: { version: 4 } }), held)).toBe('rollback');
  });

  test('serves an older list under a newer pointer, with the stolen pointer key', async () => {
    const held = await heldAfter({ version: 5 });
    const files = publication({ keys, version: 4, pointer: { version: 6 } });
    expect(await faultOf(files, held)).toBe('rollback');
  });

  test('gives one version another content', async () => {
    const held = await heldAfter();
    const others = [entryDocument({ aliases: ['Other'] })];
    expect(await faultOf(publication({ keys, entries: others }), held)).toBe('equivocation');
    const files = publication({ keys, entries: others, pointer: { version: 2 } });
    expect(await faultOf(files, held)).toBe('equivocation');
  });

  test('keeps the reader at an expired pointer or list', async () => {
    expect(await faultOf(publication({ keys, nowMs: NOW - 2 * DAY_MS }))).toBe('expired');
    const list = { issuedMs: NOW - 60 * DAY_MS, expiresMs: NOW - DAY_MS };
    expect(await faultOf(publication({ keys, list }))).toBe('expired');
  });

  test('sets the clock back, so that what expired seems to be good', async () => {
    const held = await heldAfter({ version: 5 });
    const dayAgo = NOW - 2 * DAY_MS;
    const files = publication({ keys, version: 6, nowMs: dayAgo });
    // The pointer of that day expired a day before the newest document that was seen was made.
    expect(await faultOf(files, held, dayAgo)).toBe('expired');
  });

  test('issues documents of a day to come', async () => {
    expect(await faultOf(publication({ keys, nowMs: NOW + 3 * DAY_MS }))).toBe('future');
    const root = rootDocument(keys, { version: 2, issuedMs: NOW + 3 * DAY_MS });
    const files = publication({ keys }).set('2.root.json', sealed('root', rootPayload(root), keys.root));
    expect(await faultOf(files)).toBe('future');
  });

  test('cuts a download short, or sends more', async () => {
    for (const part of ['lists/', '.list.']) {
      expect(await faultOf(changed(publication({ keys }), part, (bytes) => bytes.subarray(0, 99)))).toBe(
        'digest',
      );
      const longer = (bytes: Buffer) => Buffer.concat([bytes, Buffer.from(' ')]);
      expect(await faultOf(changed(publication({ keys }), part, longer))).toBe('digest');
    }
    expect(await faultOf(changed(publication({ keys }), 'pointer', (bytes) => bytes.subarray(0, 99)))).toBe(
      'form',
    );
  });

  test('leaves files away', async () => {
    for (const part of ['pointer', '.list.', 'lists/']) {
      const files = publication({ keys });
      for (const name of files.keys()) if (name.includes(part)) files.delete(name);
      expect(await faultOf(files), part).toBe('missing');
    }
  });

  test('has a member stand twice, or names __proto__, or nests without end', async () => {
    const write = (text: string) => () => sealed('pointer', Buffer.from(text), keys.pointer);
    for (const text of [
      '{"version":1,"version":2}',
      '{"__proto__":{"version":1}}',
      `${'['.repeat(5000)}${']'.repeat(5000)}`,
    ])
      expect(await faultOf(changed(publication({ keys }), 'pointer', write(text)))).toBe('form');
    const double = Buffer.from('{"payloadType":"a","payload":"","payload":"","signatures":[]}');
    expect(await faultOf(changed(publication({ keys }), 'pointer', () => double))).toBe('form');
  });

  test('signs something that is not in its canonical form', async () => {
    const files = publication({ keys });
    const envelope = readEnvelope(files.get('pointer.json') ?? Buffer.alloc(0));
    const spaced = Buffer.from(`${envelope.payload.toString()} `);
    expect(await faultOf(files.set('pointer.json', sealed('pointer', spaced, keys.pointer)))).toBe('form');
  });

  test('puts the pointer of one mediator before the list of another', async () => {
    const other = publication({
      keys,
      list: { mediator: 'other.example' },
    });
    expect(await faultOf(other)).toBe('mediator');
    expect(await faultOf(publication({ keys, pointer: { mediator: 'other.example' } }))).toBe('mediator');
    const root = rootDocument(keys, { version: 2, mediator: 'other.example' });
    const files = publication({ keys }).set('2.root.json', sealed('root', rootPayload(root), keys.root));
    expect(await faultOf(files)).toBe('mediator');
  });

  test('says that the list is larger than anybody takes', async () => {
    const document = { sha256: 'a'.repeat(64), lengthBytes: 10 ** 12 };
    expect(await faultOf(publication({ keys, list: { document } }))).toBe('form');
  });
});

describe('domains of open sign-up', () => {
  const origin = { kind: 'free-mail', date: '2026-11-25', source: 'desk', note: '' } as const;
  const names = writeNameFile([{ name: 'free.example', origin }]);

  test('come with the list, once', async () => {
    const source = memorySource(publication({ keys, names }));
    const { holding, openSignup, fault } = await update(first(), source, { nowMs: NOW, have: new Set() });
    expect(fault).toBeNull();
    expect(Buffer.from(openSignup ?? [])).toEqual(names);
    const have = new Set([holding.list?.said.openSignup?.sha256 ?? '']);
    expect(await update(holding, source, { nowMs: NOW, have })).toMatchObject({
      openSignup: null,
      fault: null,
    });
  });

  test('that were altered, cut short, left away or cannot be read are refused with the list', async () => {
    const altered = changed(publication({ keys, names }), '.names', (bytes) =>
      Buffer.from(bytes.toString().replace('free.', 'bank.')),
    );
    expect(await faultOf(altered)).toBe('digest');
    const cut = changed(publication({ keys, names }), '.names', (bytes) => bytes.subarray(1));
    expect(await faultOf(cut)).toBe('digest');
    const missing = publication({ keys, names });
    for (const name of missing.keys()) if (name.endsWith('.names')) missing.delete(name);
    expect(await faultOf(missing)).toBe('missing');
    const everybody = Buffer.from(`${names.toString().replace('free.example', 'com')}`);
    expect(await faultOf(publication({ keys, names: everybody }))).toBe('form');
  });

  test('of yesterday do not come back', async () => {
    const held = await heldAfter({ names, version: 2 });
    const older = publication({ keys, names: writeNameFile([]), version: 1 });
    expect(await faultOf(older, held)).toBe('rollback');
  });

  test('said to be larger than anybody takes are not asked for', async () => {
    const openSignup = { sha256: '0'.repeat(64), lengthBytes: 17 * 1024 * 1024 };
    expect(await faultOf(publication({ keys, list: { openSignup } }))).toBe('form');
  });
});

describe('keys change', () => {
  const fresh = ring();

  test('to a root that the old keys and the new ones sign, one version after the other', async () => {
    const second = rootDocument(fresh, { version: 2 });
    const third = rootDocument(fresh, { version: 3 });
    const files = publication({ keys: fresh, root: { version: 3 } });
    files.set('2.root.json', sealed('root', rootPayload(second), [...keys.root, ...fresh.root]));
    files.set('3.root.json', sealed('root', rootPayload(third), fresh.root));
    const { holding, fault } = await update(first(), memorySource(files), { nowMs: NOW, have: new Set() });
    expect(fault).toBeNull();
    expect(holding.root.said.version).toBe(3);
  });

  test.for([
    ['the old ones only', () => keys.root],
    ['the new ones only', () => fresh.root],
    ['strangers', () => foreign.root],
  ] as const)('to a root that is signed by %s: refused', async ([, signers]) => {
    const next = sealed(
      'root',
      rootPayload(rootDocument({ ...keys, root: fresh.root }, { version: 2 })),
      signers(),
    );
    // Everything else is as it should be with such a root, so that nothing but its signatures can be at fault.
    const files = publication({ keys, pointer: { rootVersion: 2 } });
    expect(await faultOf(files.set('2.root.json', next))).toBe('signature');
  });

  test('with a version left out, or the same one again: refused', async () => {
    for (const version of [1, 3]) {
      const next = sealed('root', rootPayload(rootDocument(keys, { version })), keys.root);
      expect(await faultOf(publication({ keys }).set('2.root.json', next))).toBe('version');
    }
  });

  test('and a pointer of a newer root than is to be had is refused', async () => {
    expect(await faultOf(publication({ keys, pointer: { rootVersion: 2 } }))).toBe('version');
  });

  test('and an expired root is the end, however fresh the rest', async () => {
    expect(await faultOf(publication({ keys }), first({ expiresMs: NOW - DAY_MS }))).toBe('expired');
  });

  test('and what the keys thrown out have signed is no longer held, even if nothing new can be had', async () => {
    const held = await heldAfter();
    expect(pointerOf(held).version).toBe(1);
    const second = rootDocument({ ...keys, list: fresh.list }, { version: 2 });
    const files = new Map([['2.root.json', sealed('root', rootPayload(second), keys.root)]]);
    const { holding, fault } = await update(held, memorySource(files), { nowMs: NOW, have: new Set() });
    expect(fault?.rule).toBe('missing');
    expect(holding.root.said.version).toBe(2);
    expect(holding.list).toBeNull();
  });

  test('and a version that a thief made very high does not lock the reader out (fast-forward)', async () => {
    const held = await heldAfter({ version: 4_000_000 });
    const both = { ...keys, list: fresh.list, pointer: fresh.pointer };
    const files = publication({ keys: both, version: 2, root: { version: 2 } });
    expect(await faultOf(files, held)).toBeNull();
  });
});

describe('a threshold of two', () => {
  const three = ring({ list: [makeSigningKey(), makeSigningKey(), makeSigningKey()] });
  const [a, b] = three.list as [(typeof three.list)[0], (typeof three.list)[0]];
  const roles = {
    root: roleKeys(three.root),
    list: roleKeys(three.list, 2),
    pointer: roleKeys(three.pointer),
  };
  const held = first({ roles }, three);
  const signedBy = (list: typeof three.list) => publication({ keys: { ...three, list } });

  test('is met by any two', async () => {
    expect(await faultOf(signedBy([a, b]), held)).toBeNull();
  });

  test('is not met by one, nor by one together with a stranger', async () => {
    expect(await faultOf(signedBy([a]), held)).toBe('signature');
    expect(await faultOf(signedBy([a, makeSigningKey()]), held)).toBe('signature');
  });

  test('is not met by one key that signs twice', async () => {
    const envelope = readEnvelope(signedBy([a]).get('1.list.json') ?? Buffer.alloc(0));
    const twice = writeEnvelope({
      ...envelope,
      signatures: [...envelope.signatures, ...envelope.signatures],
    });
    const list = { version: 1, sha256: sha256(twice), lengthBytes: twice.length };
    const files = publication({ keys: { ...three, list: [a] }, pointer: { list } });
    files.set('1.list.json', twice);
    expect(await faultOf(files, held)).toBe('form');
  });
});

test('what is kept is verified again, and half of it is not held', async () => {
  const held = await heldAfter();
  const kept = {
    root: held.root.bytes,
    pointer: held.pointer?.bytes ?? null,
    list: held.list?.bytes ?? null,
    clockMs: held.clockMs,
  };
  expect(holdingFrom(kept).list?.said.version).toBe(1);
  const forged = sealed('pointer', pointerPayload({ ...pointerOf(held), version: 9 }), foreign.pointer);
  expect(holdingFrom({ ...kept, pointer: forged })).toMatchObject({ pointer: null, list: null });
  expect(() => holdingFrom({ ...kept, root: Buffer.from('{}') })).toThrow('root');
});

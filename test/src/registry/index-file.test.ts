import { describe, expect, test } from 'vitest';
import { canonicalJson, type Json } from '../../../src/registry/canonical.ts';
import { buildIndex, openIndex } from '../../../src/registry/index-file.ts';
import { collectNames } from '../../../src/trust/names.ts';
import { NO_OVERRIDES } from '../../../src/trust/overrides.ts';
import { matches, readRegistry } from '../../../src/trust/registry.ts';
import { skeleton } from '../../../src/trust/skeleton.ts';
import { entryDocument, registryDocument } from '../../helpers/trust.ts';

const entries = Array.from({ length: 300 }, (_, number) =>
  entryDocument({
    id: `company-${number}`,
    organization: { name: `Company ${number}`, legalName: `Compañía ${number} AG` },
    aliases: [`The ${number}th`],
    domains: [
      { domain: `c${number}.example`, includeSubdomains: number % 2 === 0 },
      { domain: `mail${number}.test`, includeSubdomains: false },
    ],
  }),
);
const document = Buffer.from(canonicalJson(registryDocument(entries) as unknown as Json));
const whole = readRegistry(document, 'list');
const indexed = openIndex(document, buildIndex(document), 'mediator.example') ?? expect.unreachable();

test('a list looked up by its index answers as the list itself does', () => {
  const names = entries.flatMap((_, number) => [
    `c${number}.example`,
    `www.c${number}.example`,
    `mail${number}.test`,
    `nobody${number}.example`,
  ]);
  for (const name of [...names, 'example', '', 'c1.example.attack.example'])
    expect(matches(indexed, name), name).toEqual(matches(whole, name));
  expect(indexed.entries).toEqual(whole.entries);
  expect(indexed.mediator).toEqual(whole.mediator);
  expect(indexed).toMatchObject({ entryCount: 300, byDomain: { size: 600 } });
});

test('who poses as a listed company is found by the index as well', () => {
  const plain = collectNames([whole], NO_OVERRIDES);
  const { names } = indexed;
  expect(names.longest).toBe(plain.longest);
  for (const text of ['Company 7', 'The 12th', 'Cοmpany 8', 'Nobody']) {
    const { hurried } = skeleton(text.toLowerCase());
    expect(names.byName.get(hurried), text).toEqual(plain.byName.get(hurried));
  }
  for (const label of ['c5', 'mail9', 'none'])
    expect(names.byLabel.get(skeleton(label).hurried)).toEqual(plain.byLabel.get(skeleton(label).hurried));
});

describe('an index that is none', () => {
  test('is refused when it is short or of another kind', () => {
    for (const bytes of [Buffer.alloc(0), Buffer.alloc(8), Buffer.alloc(400)])
      expect(openIndex(document, bytes, 'mediator.example')).toBeNull();
  });

  test('is refused when it was cut off, or says that it holds more than it does', () => {
    const index = buildIndex(document);
    expect(openIndex(document, index.subarray(0, -1), 'mediator.example')).toBeNull();
    expect(openIndex(document, index.subarray(0, 101), 'mediator.example')).toBeNull();
    for (const word of [1, 3, 4, 5, 6]) {
      const damaged = Buffer.from(index);
      damaged.writeUInt32LE(0xff_ff_ff_ff, word * 4);
      expect(openIndex(document, damaged, 'mediator.example'), `word ${word}`).toBeNull();
    }
  });

  test('is not made of a list that is not in its canonical form', () => {
    const spaced = Buffer.from(JSON.stringify(registryDocument(entries), null, 1));
    expect(() => buildIndex(spaced)).toThrow('canonical form');
  });
});

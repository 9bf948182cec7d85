import { expect, test } from 'vitest';
import { TooMany, Turns } from '../../../src/logins/turns.ts';

test('who asks for a lot waits behind himself, and not everybody behind him', async () => {
  const turns = new Turns(1, 100, 100);
  const order: string[] = [];
  const gate = Promise.withResolvers<void>();
  const work = (name: string) => turns.take(name[0] ?? '', async () => void order.push(name));
  const first = turns.take('a', () => gate.promise);
  const rest = ['a1', 'a2', 'a3', 'b1', 'c1', 'b2'].map(work);
  gate.resolve();
  await Promise.all([first, ...rest]);
  expect(order).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3']);
});

test('no more than so many wait, and a place is given back after a failure', async () => {
  const turns = new Turns(1, 1, 1);
  const gate = Promise.withResolvers<void>();
  const first = turns.take('a', () => gate.promise);
  const second = turns.take('a', async () => {
    throw new Error('broken');
  });
  await expect(turns.take('b', async () => 1)).rejects.toBeInstanceOf(TooMany);
  gate.resolve();
  await first;
  await expect(second).rejects.toThrow('broken');
  expect(await turns.take('b', async () => 1)).toBe(1);
});

test('one caller does not take all places in the queue', async () => {
  const turns = new Turns(1, 10, 2);
  const gate = Promise.withResolvers<void>();
  const nothing = async () => undefined;
  const begun = [turns.take('a', () => gate.promise), turns.take('a', nothing), turns.take('a', nothing)];
  await expect(turns.take('a', nothing)).rejects.toBeInstanceOf(TooMany);
  begun.push(turns.take('b', nothing));
  gate.resolve();
  await Promise.all(begun);
});

import { isAskable } from './names.ts';
import type { Answer, RecordData, RecordType, Resolver } from './types.ts';

/** How mailauth asks: the forms and error codes of `dns.promises.resolve(name, type)`. */
export type NodeStyleResolve = (name: string, type: string) => Promise<unknown[]>;

/** What it asks for, and how Node gives each. */
const FORMS: { readonly [T in RecordType]?: (data: RecordData[T]) => unknown } = {
  A: (data) => data,
  AAAA: (data) => data,
  CNAME: (data) => data,
  PTR: (data) => data,
  TXT: (data) => data,
  MX: ({ preference, exchange }) => ({ priority: preference, exchange: exchange === '.' ? '' : exchange }),
};

/**
 * A {@link Resolver} as mailauth wants it: records of a name, or a thrown error whose `code` is `ENOTFOUND` (the
 * name does not exist), `ENODATA` (it has no such record) or `E` and why there is no answer, such as `ETIMEOUT`.
 * It has no deadline of its own: give it a resolver that has.
 */
export function mailauthResolver(dns: Resolver): NodeStyleResolve {
  return async (name, type) => {
    // What cannot be a name does not exist; that is no failure of the resolver.
    if (!isAskable(name)) throw failure('ENOTFOUND', 'That is no name.');
    if (!isForm(type)) throw failure('ENODATA', `Nobody asks for ${type} records.`);
    return records(await dns.resolve(name, type));
  };
}

function isForm(type: string): type is keyof typeof FORMS {
  return Object.hasOwn(FORMS, type);
}

function records<T extends RecordType>(answer: Answer<RecordData[T]>): unknown[] {
  switch (answer.kind) {
    case 'found': {
      const form = FORMS[answer.type] as ((data: RecordData[T]) => unknown) | undefined;
      return answer.records.map((data) => (form === undefined ? data : form(data)));
    }
    case 'empty':
      throw failure('ENODATA', `${answer.name} has no ${answer.type} record.`);
    case 'absent':
      throw failure('ENOTFOUND', `${answer.name} does not exist.`);
    case 'failed':
      throw failure(`E${answer.rcode}`, answer.message);
  }
}

function failure(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

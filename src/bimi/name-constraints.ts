import { parseAddress } from '../net/address.ts';
import type { Certificate, GeneralName, NameConstraints } from './certificate.ts';

/**
 * What every constraint on a path together leaves: a name has to be within one permitted tree of each certificate that
 * names trees of its kind, and in no excluded one (RFC 5280 §6.1.3 (b), (c)).
 *
 * @returns the first name that is not allowed, as it is to be told; null when all are
 */
export function forbiddenName(
  { subject, names }: Certificate,
  constraints: readonly NameConstraints[],
): string | null {
  const own: GeneralName[] = [...names];
  if (subject.parts.length > 0) own.push({ kind: 'directory', name: subject });
  // RFC 5280 §4.2.1.10: an address in the subject counts when there is none among the alternative names.
  const address = subject.attributes.get(EMAIL);
  if (address !== undefined && !names.some(({ kind }) => kind === 'email'))
    own.push({ kind: 'email', value: address });
  for (const name of own)
    for (const constraint of constraints) if (!isAllowed(name, constraint)) return describe(name);
  return null;
}

const EMAIL = '1.2.840.113549.1.9.1';

function isAllowed(name: GeneralName, { permitted, excluded }: NameConstraints): boolean {
  const of = (trees: readonly GeneralName[]) => trees.filter((tree) => isSameKind(tree, name));
  if (of(excluded).some((tree) => isWithin(name, tree) !== false)) return false;
  const allowed = of(permitted);
  return allowed.length === 0 || allowed.some((tree) => isWithin(name, tree) === true);
}

function isSameKind(a: GeneralName, b: GeneralName): boolean {
  return a.kind === 'other' && b.kind === 'other' ? a.tag === b.tag : a.kind === b.kind;
}

/** @returns null when it cannot be told: a kind that nobody here understands, or a name that is none */
function isWithin(name: GeneralName, tree: GeneralName): boolean | null {
  if (name.kind === 'dns' && tree.kind === 'dns') return isBelow(name.value, tree.value);
  if (name.kind === 'email' && tree.kind === 'email') return isEmailWithin(name.value, tree.value);
  if (name.kind === 'uri' && tree.kind === 'uri') return isUriWithin(name.value, tree.value);
  if (name.kind === 'ip' && tree.kind === 'ip') return isIpWithin(name.bytes, tree.bytes);
  if (name.kind === 'directory' && tree.kind === 'directory')
    return tree.name.parts.every((part, index) => part === name.name.parts[index]);
  return null;
}

/** The name itself and every name below it; an empty tree is all names. */
function isBelow(name: string, tree: string): boolean {
  const [a, b] = [name.toLowerCase(), tree.toLowerCase()];
  return b === '' || a === b || a.endsWith(b.startsWith('.') ? b : `.${b}`);
}

/** A mailbox, all mailboxes of a host, or with a dot in front those of all hosts below. */
function isEmailWithin(address: string, tree: string): boolean | null {
  const at = address.lastIndexOf('@');
  if (at === -1) return null;
  const host = address.slice(at + 1).toLowerCase();
  if (tree.includes('@')) {
    const split = tree.lastIndexOf('@');
    return address.slice(0, at) === tree.slice(0, split) && host === tree.slice(split + 1).toLowerCase();
  }
  return isHostWithin(host, tree.toLowerCase());
}

function isUriWithin(uri: string, tree: string): boolean | null {
  const host = URL.canParse(uri) ? new URL(uri).hostname.toLowerCase() : '';
  // RFC 5280 §4.2.1.10: constraints are on names of hosts, and an address has none.
  if (host === '' || host.startsWith('[') || parseAddress(host) !== null) return null;
  return isHostWithin(host, tree.toLowerCase());
}

function isHostWithin(host: string, tree: string): boolean {
  return tree.startsWith('.') ? host.endsWith(tree) : host === tree;
}

function isIpWithin(address: Buffer, tree: Buffer): boolean | null {
  if (tree.length !== address.length * 2) return tree.length === 8 || tree.length === 32 ? false : null;
  const mask = tree.subarray(address.length);
  return address.every((byte, index) => ((byte ^ (tree[index] ?? 0)) & (mask[index] ?? 0)) === 0);
}

function describe(name: GeneralName): string {
  switch (name.kind) {
    case 'directory':
      return 'its subject';
    case 'ip':
      return 'an address';
    case 'other':
      return 'a name of another kind';
    default:
      return name.value;
  }
}

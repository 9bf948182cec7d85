import { AppError, ExitCode } from '../../errors.ts';
import { collector, type Found, NOT_OURS } from './entry.ts';
import { containerKey, type Derivation, decryptValue, isAuthentic, type PskcKey } from './pskc-secret.ts';

const MAX_DEPTH = 32;
const MAX_TEXT = 4096;

type Node = {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: Node[];
  text: string;
};

function refuse(file: string, why: string): AppError {
  return new AppError(`'${file}' is no key container: ${why}.`, {
    code: 'E_IMPORT',
    exit: ExitCode.input,
    hint: 'It is XML as RFC 6030 has it, without a document type.',
  });
}

const child = (node: Node | undefined, ...path: readonly string[]): Node | undefined =>
  path.reduce<Node | undefined>((at, name) => at?.children.find((each) => each.name === name), node);

const textAt = (node: Node | undefined, ...path: readonly string[]) => child(node, ...path)?.text.trim();

const bytesAt = (node: Node | undefined, ...path: readonly string[]) =>
  Buffer.from(textAt(node, ...path) ?? '', 'base64');

/** The tree of a container; each key is handed on and forgotten, so that the tree stays small. */
async function walk(text: string, file: string, onKey: (pack: Node, root: Node) => void): Promise<void> {
  const { SaxesParser } = await import('saxes');
  const parser = new SaxesParser({ xmlns: true });
  const path: Node[] = [];
  const top: Node = { name: '', attributes: {}, children: [], text: '' };
  parser.on('error', (error) => {
    throw refuse(file, error.message.replace(/^\S+: /, '').replace(/\.$/, ''));
  });
  // A document type is where entities are declared; without one there is nothing to expand.
  parser.on('doctype', () => {
    throw refuse(file, 'it has a document type');
  });
  parser.on('opentag', ({ local, attributes }) => {
    if (path.length >= MAX_DEPTH) throw refuse(file, `it is nested deeper than ${MAX_DEPTH}`);
    const named = Object.values(attributes).map((each) => [each.local, each.value.slice(0, MAX_TEXT)]);
    const node: Node = { name: local, attributes: Object.fromEntries(named), children: [], text: '' };
    (path.at(-1) ?? top).children.push(node);
    path.push(node);
  });
  const add = (part: string) => {
    const node = path.at(-1);
    if (node) node.text = `${node.text}${part}`.slice(0, MAX_TEXT);
  };
  parser.on('text', add);
  parser.on('cdata', add);
  parser.on('closetag', () => {
    const node = path.pop();
    if (node?.name !== 'KeyPackage') return;
    onKey(node, path[0] ?? top);
    path.at(-1)?.children.pop();
  });
  parser.write(text).close();
  if (top.children[0]?.name !== 'KeyContainer') throw refuse(file, 'its root is no KeyContainer');
}

const HASHES: Readonly<Record<string, string>> = { 'hmac-sha256': 'sha256', 'hmac-sha512': 'sha512' };

function derivationOf(root: Node): Derivation | undefined {
  const parameters = child(root, 'EncryptionKey', 'DerivedKey', 'KeyDerivationMethod', 'PBKDF2-params');
  if (!parameters) return undefined;
  const prf = child(parameters, 'PRF')?.attributes['Algorithm'] ?? '';
  return {
    salt: bytesAt(parameters, 'Salt', 'Specified'),
    iterations: Number(textAt(parameters, 'IterationCount')),
    length: Number(textAt(parameters, 'KeyLength') ?? 16),
    hash: Object.entries(HASHES).find(([name]) => prf.toLowerCase().includes(name))?.[1] ?? 'sha1',
  };
}

const encryptedAt = (node: Node | undefined) => ({
  algorithm: child(node, 'EncryptionMethod')?.attributes['Algorithm'] ?? '',
  value: bytesAt(node, 'CipherData', 'CipherValue'),
});

/** The secret of a key, or why there is none. */
function secretOf(key: Node, root: Node, containerKeyOf: () => Buffer | string): Buffer | string {
  const secret = child(key, 'Data', 'Secret');
  if (child(secret, 'PlainValue')) return bytesAt(secret, 'PlainValue');
  const encrypted = child(secret, 'EncryptedValue');
  if (!encrypted) return 'it has no secret';
  const opened = containerKeyOf();
  if (typeof opened === 'string') return opened;
  const macKeyNode = child(root, 'MACMethod', 'MACKey');
  const { value, algorithm } = encryptedAt(encrypted);
  const macKey = macKeyNode ? decryptValue(encryptedAt(macKeyNode), opened) : undefined;
  const method = child(root, 'MACMethod')?.attributes['Algorithm'] ?? '';
  if (!macKey || !isAuthentic(value, bytesAt(secret, 'ValueMAC'), method, macKey))
    return 'it was encrypted with another key, or was changed since';
  return decryptValue({ algorithm, value }, opened) ?? 'it was encrypted with another key';
}

/** Public and private id: as the maker's tools write them, `CN=modhex, UID=hex`. */
function idsOf(key: Node, pack: Node): { readonly publicId: string; readonly privateId: string } {
  const user = `${textAt(key, 'UserId') ?? ''},${textAt(pack, 'DeviceInfo', 'UserId') ?? ''}`;
  const publicId = /\bCN=([cbdefghijklnrtuv]+)/i.exec(user)?.[1] ?? '';
  return { publicId, privateId: /\bUID=([0-9a-f]+)/i.exec(user)?.[1] ?? '' };
}

/**
 * Keys from a Portable Symmetric Key Container (RFC 6030), in clear or encrypted.
 *
 * @throws AppError E_IMPORT (exit 65) for what is no container, has a document type, or is nested too deep
 */
export async function keysFromPskc(text: string, file: string, given: PskcKey | undefined): Promise<Found> {
  const { add, leave, found } = collector('pskc');
  let opened: Buffer | string | undefined;
  let count = 0;
  await walk(text, file, (pack, root) => {
    count += 1;
    const where = `key package ${count}`;
    const key = child(pack, 'Key');
    if (!key) return leave(where, 'it holds no key');
    const algorithm = key.attributes['Algorithm'] ?? '';
    if (!/yubikey-aes/i.test(algorithm)) return leave(where, NOT_OURS);
    const secret = secretOf(key, root, () => {
      opened ??= containerKey(given, derivationOf(root));
      return opened;
    });
    if (typeof secret === 'string') return leave(where, secret);
    add(where, {
      ...idsOf(key, pack),
      aesKey: secret.toString('hex'),
      serial: textAt(pack, 'DeviceInfo', 'SerialNo'),
    });
  });
  return found();
}

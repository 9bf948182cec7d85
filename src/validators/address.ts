import { AppError, ExitCode } from '../errors.ts';
import { addressClass } from '../net/address.ts';

/** The service of the keys' maker: one address, over HTTPS alone. */
export const YUBICLOUD = 'https://api.yubico.com/wsapi/2.0/verify';

/** Most services that are asked at the same time. */
const MAX_URLS = 8;

const STANDARD_PATH = '/wsapi/2.0/verify';

function wrong(text: string, why: string, hint: string): AppError {
  return new AppError(`'${text}' ${why}.`, { code: 'E_VALIDATOR', exit: ExitCode.usage, hint });
}

function isLoopback({ hostname }: URL): boolean {
  return hostname === 'localhost' || addressClass(hostname.replace(/^\[|\]$/g, '')) === 'loopback';
}

function checkUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '')
    throw wrong(
      text,
      'is no address of a validation service',
      'Write it as https://otp.example.org/wsapi/2.0/verify.',
    );
  if (url.username !== '' || url.password !== '')
    throw wrong(
      text.replace(/\/\/.*@/, '//'),
      'has a password in it',
      'The protocol knows client ids and API keys.',
    );
  if (url.protocol === 'http:' && !isLoopback(url))
    throw wrong(
      text,
      'is not encrypted',
      'Use https: an answer over plain HTTP can be changed on its way, and the OTP read.',
    );
  if (url.pathname === '/') url.pathname = STANDARD_PATH;
  return url.href;
}

/**
 * Addresses of validation services, separated by commas or blanks; https, or http on loopback.
 *
 * @throws AppError E_VALIDATOR (exit 64)
 */
export function parseUrls(text: string): readonly string[] {
  const urls = [
    ...new Set(
      text
        .split(/[\s,]+/)
        .filter((part) => part !== '')
        .map(checkUrl),
    ),
  ];
  if (urls.length > 0 && urls.length <= MAX_URLS) return urls;
  throw wrong(text, 'names no service, or too many', `Give one to ${MAX_URLS} addresses.`);
}

/**
 * The id of a client at a validation service.
 *
 * @throws AppError E_VALIDATOR (exit 64)
 */
export function parseClientId(text: string | undefined): string {
  if (text !== undefined && /^[1-9]\d{0,9}$/.test(text)) return text;
  throw wrong(
    text ?? '',
    'is no client id',
    'Give the number that the service gave you with --client-id; for YubiCloud get one at upgrade.yubico.com/getapikey.',
  );
}

/**
 * An API key as services hand it out.
 *
 * @returns usually 20 bytes
 * @throws AppError E_API_KEY (exit 78)
 */
export function parseApiKey(text: string, file: string): Uint8Array {
  const key = Buffer.from(text.trim(), 'base64');
  if (/^[A-Za-z0-9+/]+={0,2}$/.test(text.trim()) && key.length >= 16 && key.length <= 64) return key;
  throw new AppError(`'${file}' holds no API key.`, {
    code: 'E_API_KEY',
    exit: ExitCode.config,
    hint: 'It is the text in base64 that came with the client id, alone in the file.',
  });
}

import { AppError, ExitCode } from '../errors.ts';

/**
 * Names of services, as mail servers and web pages give them: imap, smtp, web.
 *
 * @throws AppError E_SERVICE_NAME (exit 64)
 */
export function parseServices(text: string): readonly string[] {
  const names = [
    ...new Set(
      text
        .toLowerCase()
        .split(/[\s,]+/)
        .filter((name) => name !== ''),
    ),
  ];
  if (names.length <= 32 && names.every((name) => /^[a-z0-9][a-z0-9._-]{0,31}$/.test(name))) return names;
  throw new AppError(`'${text}' is no list of services.`, {
    code: 'E_SERVICE_NAME',
    exit: ExitCode.usage,
    hint: 'Write names such as imap,smtp,web.',
  });
}

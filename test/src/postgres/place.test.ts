import { describe, expect, test } from 'vitest';
import { nameOfDatabase, parseDatabaseUrl } from '../../../src/postgres/place.ts';

describe('a URL of a database', () => {
  test.for([
    ['postgresql://ann@db.example.org/otp', { host: 'db.example.org', port: 5432, tls: { ca: undefined } }],
    ['postgres://ann@db.example.org:6000/otp?sslmode=disable', { port: 6000, tls: null }],
    ['postgresql://ann@db.example.org/otp?sslrootcert=/ca.pem', { tls: { ca: '/ca.pem' } }],
    ['postgresql://ann@127.0.0.1/otp', { host: '127.0.0.1', tls: null }],
    ['postgresql://ann@localhost/otp?sslmode=verify-full', { tls: { ca: undefined } }],
    ['postgresql://ann@[2001:db8::1]/otp', { host: '2001:db8::1', tls: { ca: undefined } }],
    ['postgresql:///otp?host=/run/postgresql', { host: '/run/postgresql', user: undefined, tls: null }],
    ['postgresql://ann@/otp?host=/run/postgresql', { host: '/run/postgresql', user: 'ann', tls: null }],
  ] as const)('%s', ([url, expected]) => {
    expect(parseDatabaseUrl(url)).toMatchObject({ database: 'otp', ...expected });
  });

  test.for([
    'postgresql://db.example.org/',
    'postgresql://db.example.org/a/b',
    'postgresql://db.example.org/otp?host=/run/postgresql',
    'postgresql:///otp?host=db.example.org',
    'postgresql://db.example.org/otp?sslmode=prefer',
    'postgresql://db.example.org/otp?application_name=x',
    'postgresql:otp',
    'postgresql://db.example.org/%zz',
    'postgresql://ann:secret@db.example.org:99999/otp',
  ])('%s is none', (url) => {
    const message = expect.not.stringContaining('secret');
    const told = { code: 'E_STORE_URL', exit: 64, message };
    expect(() => parseDatabaseUrl(url)).toThrow(expect.objectContaining(told));
  });

  test('is shown without its user', () => {
    expect(nameOfDatabase(parseDatabaseUrl('postgresql://ann@[2001:db8::1]/otp'))).toBe(
      'postgresql://[2001:db8::1]:5432/otp',
    );
  });
});

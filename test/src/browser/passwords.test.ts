import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { decryptAge, encryptAge } from '../../../src/age/age.ts';
import { readExport } from '../../../src/browser/passwords/convert.ts';
import { parseCsv } from '../../../src/browser/passwords/csv.ts';
import { importFile, loginsOf, planImport, siteOf } from '../../../src/browser/passwords/plan.ts';
import { makeProfile } from '../../../src/lab/firefox-profile.ts';
import { needs } from '../../helpers/debian.ts';
import { BINARY, inFirefox, processesOn, scratch } from '../../helpers/firefox.ts';
import { run, runBuilt } from '../../helpers/run.ts';

const HEADER = 'Name,Url,MatchUrl,Login,Pwd,Note,Folder,RfFieldsV2';
const csv = (...rows: string[]) => [HEADER, ...rows].join('\r\n');
const read = (text: string | Buffer) => readExport(Buffer.from(text as string));
const plan = (text: string | Buffer) => planImport(read(text).entries);
const outcomes = (text: string | Buffer) => plan(text).map(({ outcome, reason }) => reason ?? outcome);

describe('RoboForm’s CSV', () => {
  test('further columns are captured fields: one-time secrets, further pairs and the rest', () => {
    const row =
      'Bank,https://bank.test/login,https://bank.test,me,pw1,a note,/Home,"User ID$,,,txt,me","Password$,,,pwd,pw1","User ID$,,,txt,you","Password$,,,pwd,pw2","TOTP KEY$,,,txt,JBSWY3DP","Script$,,,txt,a,b"';
    expect(read(csv(row)).entries).toEqual([
      {
        number: 1,
        name: 'Bank',
        url: 'https://bank.test/login',
        matchUrl: 'https://bank.test',
        username: 'me',
        password: 'pw1',
        note: 'a note',
        folder: '/Home',
        oneTimeSecrets: ['JBSWY3DP'],
        alternates: [{ username: 'you', password: 'pw2' }],
        fields: [{ label: 'Script', value: 'a,b' }],
      },
    ]);
  });

  test.for([
    ["'@at", '@at'],
    ["''quote", "'quote"],
    ["'plain", "'plain"],
    ['=formula', '=formula'],
    ['"with ""quotes"", commas and\nlines"', 'with "quotes", commas and\nlines'],
    [' spaces ', ' spaces '],
  ] as const)('the password %j is %j', ([written, expected]) => {
    expect(read(csv(`A,https://a.test,,me,${written},,,`)).entries[0]?.password).toBe(expected);
  });

  test.for([
    ['utf-8', (text: string) => Buffer.from(text)],
    ['utf-8-bom', (text: string) => Buffer.from(`\ufeff${text}`)],
    ['utf-16le', (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le')],
    ['utf-16le', (text: string) => Buffer.from(text, 'utf16le')],
    ['utf-16be', (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le').swap16()],
    ['windows-1252', (text: string) => Buffer.from(text.replace('→', ''), 'latin1')],
  ] as const)('%s is read as what it is', ([encoding, encode]) => {
    const got = read(encode(csv('Käse→,https://a.test,,me,pä,,,')));
    expect(got.encoding).toBe(encoding);
    expect(got.entries[0]).toMatchObject({ name: expect.stringContaining('Käse'), password: 'pä' });
  });

  test.for([
    ['login', 'A,https://a.test,,me,pw,,,', 'import'],
    ['login without a user', 'A,https://a.test,,,pw,,,', 'import'],
    ['bookmark', 'A,https://a.test,,,,,,', 'bookmark'],
    ['note', 'A,,,,,words,,', 'note'],
    ['nothing at all', 'A,,,,,,,', 'note'],
    ['no password', 'A,https://a.test,,me,,,,', 'no-password'],
    ['no site', 'A,,,me,pw,,,', 'no-site'],
    ['a program', 'A,\\\\server\\share,,me,pw,,,', 'not-web'],
  ] as const)('%s', ([, row, expected]) => {
    expect(outcomes(csv(row))).toEqual([expected]);
  });

  test.for(['', 'Name\n', 'url,username,password\nhttps://a.test,u,p\n', `${HEADER}\n"never closed`])(
    '%j is refused in one line that holds nothing of it',
    async (text) => {
      const file = join(scratch(), 'export.csv');
      writeFileSync(file, text);
      const ran = await run('browser passwords', [file]);
      expect(ran).toMatchObject({ exit: 65, stdout: '' });
      expect(ran.stderr).not.toContain('never closed"');
      expect(ran.stderr.trim().split('\n')).toHaveLength(1);
    },
  );

  test('a row per line, empty ones passed over, whatever ends it', () => {
    expect(parseCsv('a,b\r\nc,\n\n"d\r\n",""\n')).toEqual([
      ['a', 'b'],
      ['c', ''],
      ['d\r\n', ''],
    ]);
  });
});

describe('RoboForm’s printed lists', () => {
  const list = (...cells: [string, string][]) =>
    `<html><head><style>td{}</style></head><body><table>${cells
      .map(([name, text]) => `<tr><td class=${name}>${text}</td></tr>`)
      .join('')}</table></body></html>`;

  test('of version 6: break marks within values go', () => {
    const html = list(
      ['caption', 'Work\\Bank'],
      ['subcaption', 'https://ba<WBR>nk.test/'],
      ['field', 'User ID:'],
      ['wordbreakfield', 'm&shy;e'],
      ['field', 'Password:'],
      ['wordbreakfield', 'se<WBR>c&shy;r<wbr>et'],
    );
    expect(read(Buffer.from(`\ufeff${html}`, 'utf16le'))).toMatchObject({
      format: 'html',
      encoding: 'utf-16le',
      entries: [
        { name: 'Bank', folder: 'Work', url: 'https://bank.test/', username: 'me', password: 'secret' },
      ],
    });
  });

  test('of version 7: values have the class of labels', () => {
    const html =
      '<table><tr><td class="caption">Shop</td></tr><tr><td class="subcaption">shop.test</td></tr><tr><td class="field">Benutzer</td><td class="field">me</td></tr><tr><td class="field">Kennwort</td><td class="field">pw</td></tr><tr><td class="field">Notiz</td><td class="field">a note</td></tr></table>';
    expect(read(html).entries).toMatchObject([
      { url: 'shop.test', username: 'me', password: 'pw', note: 'a note' },
    ]);
  });

  test('hostile markup is text at most', () => {
    const html = list(
      ['caption', '<script>alert(1)</script>A<img src=x onerror=alert(1)>'],
      ['subcaption', 'javascript:alert(1)'],
      ['field', 'Password'],
      ['wordbreakfield', '&lt;b&gt;<b>x</b><td class=caption>B'],
    );
    const decisions = plan(html);
    expect(decisions.map(({ entry, reason }) => [entry.name, reason])).toEqual([
      ['A', 'not-web'],
      ['B', 'note'],
    ]);
    expect(decisions[0]?.entry.password).toBe('<b>x');
  });

  test.for([
    ['never closed', '<table>'.repeat(20_000)],
    ['deep', `${'<td class=caption>'.repeat(20_000)}A`],
    ['entities', `<table><td class=caption>${'&#x41;'.repeat(20_000)}`],
  ] as const)('%s: an answer all the same', ([, html]) => {
    expect(() => {
      try {
        read(html);
      } catch (error) {
        expect(error).toMatchObject({ code: 'E_EXPORT' });
      }
    }).not.toThrow();
  });
});

describe('a site', () => {
  test.for([
    ['https://x.test/login?a#b', 'https://x.test'],
    ['http://x.test:8080/', 'http://x.test:8080'],
    ['https://u:p@x.test/', 'https://x.test'],
    ['https://bücher.test', 'https://xn--bcher-kva.test'],
    ['www.x.test/login', 'https://www.x.test'],
    ['x.test:8443/login', 'https://x.test:8443'],
    ['localhost:3000', 'https://localhost:3000'],
  ] as const)('%s is %s', ([address, origin]) => {
    expect(siteOf(address)).toMatchObject({ origin });
  });

  test.for([
    'ftp://x.test',
    'android://x',
    'moz-proxy://x',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'about:logins',
    'https://*.x.test/',
    '\\\\server\\share',
    'Notepad',
    '',
  ])('%j is none for Firefox', (address) => {
    expect(siteOf(address)).toHaveProperty('refused');
  });
});

describe('what becomes of the entries', () => {
  test('two passwords for a site: the entry made for it wins, then the last, and the others are set aside', () => {
    expect(
      outcomes(
        csv(
          'A,https://a.test/x,https://a.test,me,one,,,',
          'B,https://a.test/y,,me,two,,,',
          'C,https://a.test/z,,me,one,,,',
        ),
      ),
    ).toEqual(['import', 'two-passwords', 'merge']);
    expect(outcomes(csv('A,https://a.test/x,,me,one,,,', 'B,https://a.test/y,,me,two,,,'))).toEqual([
      'two-passwords',
      'import',
    ]);
  });

  test('10,000 entries: the count read is imported plus merged plus set aside', async () => {
    const rows = Array.from(
      { length: 10_000 },
      (_, index) =>
        `E${index},https://s${index % 9000}.test/,,u,${index % 7 === 0 ? '' : `p${index % 3}`},n${index},,`,
    );
    const file = join(scratch(), 'export.csv');
    writeFileSync(file, csv(...rows));
    const {
      read: count,
      imported,
      merged,
      setAside,
      leftOver,
    } = (await run('browser passwords', [file, '--json'])).result as Record<string, number> & {
      leftOver: { notes: number };
    };
    expect(count).toBe(10_000);
    expect((imported ?? 0) + (merged ?? 0) + (setAside ?? 0)).toBe(10_000);
    expect(leftOver.notes).toBe(10_000);
  });

  test('an import file quotes everything and changes nothing', () => {
    const decisions = plan(csv('A,https://a.test,,=cmd,"a""b\r\nc,",,,'));
    expect(importFile(loginsOf(decisions))).toBe(
      '"url","username","password"\r\n"https://a.test","=cmd","a""b\r\nc,"\r\n',
    );
  });
});

/** An export with a bit of everything, in a folder of its own. */
function everything(): { folder: string; file: string; phrase: string } {
  const folder = scratch();
  const file = join(folder, 'roboform.csv');
  const rows = [
    'Bank,https://bank.test/login,,me,hunter2-bank,my note,/Home,"TOTP KEY$,,,txt,JBSWY3DPEHPK3PXP"',
    'Bank again,https://bank.test/,,me,hunter2-bank,,,',
    'Bank old,https://bank.test/,https://bank.test,me,hunter2-old,,,',
    'Shop,shop.test,,me,"hunter2,shop ""q"" =1",,,"User ID$,,,txt,me","Password$,,,pwd,hunter2,shop ""q"" =1","User ID$,,,txt,you","Password$,,,pwd,hunter2-alt"',
    'Mark,https://mark.test,,,,,,',
    'Note,,,,,hunter2-note,,',
    'Prog,C:\\app.exe,,me,hunter2-prog,,,',
  ];
  writeFileSync(file, csv(...rows), { mode: 0o600 });
  const phrase = join(folder, 'phrase');
  writeFileSync(phrase, 'correct horse battery\n', { mode: 0o600 });
  return { folder, file, phrase };
}

const SECRETS = /hunter2|JBSWY3/;

describe('browser passwords', () => {
  test('the view shows no password, in any format', async () => {
    const { file } = everything();
    for (const format of ['text', 'json']) {
      const ran = await run('browser passwords', [file, '--format', format]);
      expect(ran.stdout).toContain(format === 'json' ? '"imported": 2' : 'Firefox');
      expect(ran.stdout + ran.stderr).not.toMatch(SECRETS);
    }
  });

  test('an import file and what is left over, for their owner only', async () => {
    const { folder, file, phrase } = everything();
    const [out, rest] = [join(folder, 'import.csv'), join(folder, 'rest.age')];
    const argv = [file, '--out', out, '--left-over', rest, '--passphrase-file', phrase];
    const ran = await run('browser passwords', argv);
    expect(ran.stderr + ran.stdout).not.toMatch(SECRETS);
    expect([out, rest].map((each) => statSync(each).mode & 0o777)).toEqual([0o600, 0o600]);
    expect(readFileSync(rest, 'latin1')).not.toMatch(SECRETS);
    const kept = JSON.parse(
      Buffer.from(await decryptAge(readFileSync(rest), { passphrase: 'correct horse battery' })).toString(),
    );
    expect(kept.entries).toHaveLength(7);
    const all = JSON.stringify(kept) + readFileSync(out, 'utf8').replaceAll('""', '\\"');
    for (const secret of [
      'hunter2-bank',
      'hunter2-old',
      'hunter2,shop',
      'hunter2-alt',
      'hunter2-note',
      'hunter2-prog',
      'JBSWY3DPEHPK3PXP',
      'my note',
    ])
      expect(all).toContain(secret);
    expect((await run('browser passwords', argv)).exit).toBe(73);
  });

  test.for([
    [['--out', 'import.csv'], 64, '--left-over'],
    [['--out', 'import.txt', '--left-over', 'rest.age'], 64, '.csv'],
  ] as const)('%o is refused', async ([flags, exit, word]) => {
    const { folder, file, phrase } = everything();
    const argv = flags.map((each) => (each.startsWith('--') ? each : join(folder, each)));
    const ran = await run('browser passwords', [file, ...argv, '--passphrase-file', phrase]);
    expect(ran.exit).toBe(exit);
    expect(ran.stderr).toContain(word);
    expect(readdirSync(folder)).not.toContain('import.csv');
  });

  test('a folder that Git copies gets no passwords', async () => {
    const { folder, file, phrase } = everything();
    execFileSync('git', ['init', '-q', folder]);
    const ran = await run('browser passwords', [
      file,
      '--out',
      join(folder, 'import.csv'),
      '--left-over',
      join(folder, 'rest.age'),
      '--passphrase-file',
      phrase,
    ]);
    expect(ran.exit).toBe(73);
    expect(readdirSync(folder).toSorted()).toEqual(['.git', 'phrase', 'roboform.csv']);
  });

  test('into a closed profile: no file but Firefox’s own has a password, and nothing is told twice', async (context) => {
    needs(context, 'firefox-esr', 'firefox-esr');
    const { folder, file, phrase } = everything();
    const profile = scratch();
    makeProfile(profile, []);
    const argv = (rest: string) => [
      ...['browser', 'passwords', file, '--to-firefox', '--profile-dir', profile, '--firefox', BINARY],
      ...['--left-over', join(folder, rest), '--passphrase-file', phrase, '--json'],
    ];
    const first = await runBuilt(argv('rest.age'));
    expect(JSON.parse(first.stdout)).toMatchObject({ read: 7, imported: 2, merged: 0, setAside: 5 });
    expect(first.stdout + first.stderr).not.toMatch(SECRETS);
    const logins = await inFirefox(profile, (firefox) =>
      firefox.chrome(
        'return (await Services.logins.getAllLogins()).map((each) => [each.origin, each.username, each.password]).sort();',
      ),
    );
    expect(logins).toEqual([
      ['https://bank.test', 'me', 'hunter2-old'],
      ['https://shop.test', 'me', 'hunter2,shop "q" =1'],
    ]);
    const second = await runBuilt(argv('rest2.age'));
    expect(JSON.parse(second.stdout)).toMatchObject({ imported: 0, merged: 2, setAside: 5 });
    const found = execFileSync('sh', ['-c', `grep -rlE 'hunter2|JBSWY3' '${folder}' '${profile}' || true`], {
      encoding: 'utf8',
    });
    expect(found.trim().split('\n')).toEqual([file]);
    expect(processesOn(profile)).toEqual([]);
  });

  test('Firefox’s real importer takes the file, each row of it', async (context) => {
    needs(context, 'firefox-esr', 'firefox-esr');
    const { folder, file, phrase } = everything();
    const out = join(folder, 'import.csv');
    await run('browser passwords', [
      file,
      '--out',
      out,
      '--left-over',
      join(folder, 'r.age'),
      '--passphrase-file',
      phrase,
    ]);
    const profile = scratch();
    makeProfile(profile, []);
    const results = await inFirefox(profile, (firefox) =>
      firefox.chrome(
        `const { LoginCSVImport } = ChromeUtils.importESModule("resource://gre/modules/LoginCSVImport.sys.mjs");
         return (await LoginCSVImport.importFromCSV(args[0])).map(({ result }) => result);`,
        out,
      ),
    );
    expect(results).toEqual(['added', 'added']);
  });
});

test('what is encrypted here opens with age itself', async (context) => {
  needs(context, 'age', 'age');
  const folder = scratch();
  execFileSync('age-keygen', ['-o', join(folder, 'key')], { stdio: 'ignore' });
  const recipient = execFileSync('age-keygen', ['-y', join(folder, 'key')], { encoding: 'utf8' }).trim();
  writeFileSync(join(folder, 'x.age'), await encryptAge(Buffer.from('kept'), { recipients: [recipient] }));
  expect(
    execFileSync('age', ['-d', '-i', join(folder, 'key'), join(folder, 'x.age')], { encoding: 'utf8' }),
  ).toBe('kept');
});

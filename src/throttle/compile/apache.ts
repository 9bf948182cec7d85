import { capturedKey, clientPattern } from '../apache/client-key.ts';
import { errorPage } from '../error-page.ts';
import { logLine } from '../nginx/log.ts';
import { OTHER } from '../site.ts';

/** Where Apache finds what the service writes, and the web server behind it. */
export type ApachePlan = {
  /** The log that the service reads. */
  readonly log: string;
  /** Folder in which the service writes its maps. */
  readonly blocks: string;
  readonly bind: string;
  /** `HOST:PORT`. */
  readonly server: string;
  /** Networks whose X-Forwarded-For is believed. */
  readonly trusted: readonly string[];
  /** Bits of an IPv6 address that make one client. */
  readonly ipv6Prefix: number;
  /** Folder in which Apache finds the files. */
  readonly folder: string;
};

const MAPS = ['sites', 'clients', 'blocks', 'shed', 'exempt'];

/** Where whoever is refused is sent within Apache; from outside nothing is there. */
const PLACE = '/.postern-throttle';

/** What goes into each virtual host. */
const PART = 'postern-throttle.inc';

const PAGE_SECONDS = 987_654;

/** What the service writes, and nothing else: a date of RFC 9110 §5.6.7. */
const DATE = '[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT';

/** A name of a site; whatever else a request has as its host is looked up nowhere. */
const NAME = '^[a-z0-9_.-]{1,253}$';

/** Bytes of an IPv4 address, each with those before it. */
const OCTETS = '^(((([0-9]+)\\.[0-9]+)\\.[0-9]+)\\.[0-9]+)$';

/** The error page as an argument of a directive, which is one line; \\% is no expression. */
function page(because: 'client' | 'site'): string {
  const refusal = { status: 429, site: 'this site', accept: undefined, because } as const;
  const { body } = errorPage({ ...refusal, retryAfter: PAGE_SECONDS });
  const escaped = body.replaceAll(/["\\%]/g, '\\$&').replaceAll('\n', ' ');
  return escaped.replace(/in \d+ minutes?/, 'after %{reqenv:POSTERN_REFUSED}');
}

/** Keys of an address in the map of who is exempt, on this site and on all. */
function exemptLookups(keys: readonly string[]): string {
  const sites = ['*', '%{ENV:POSTERN_SITE}'];
  return keys.flatMap((key) => sites.map((site) => `\${postern_exempt:${key} ${site}}`)).join('');
}

function spared(pattern: string, keys: readonly string[]): string {
  return `RewriteCond %{ENV:POSTERN_SHED} .
RewriteCond %{REMOTE_ADDR} "${pattern}"
RewriteCond "${exemptLookups(keys)}" .
RewriteRule ^ - [E=!POSTERN_SHED]`;
}

/** One kind of answer to who is refused: its status and page. */
function answer(name: string, status: number, because: 'client' | 'site'): string {
  return `<Location "${PLACE}/${name}">
    Redirect ${status} "${PLACE}/${name}"
    ErrorDocument ${status} "${page(because)}"
</Location>`;
}

const groups = (count: number) =>
  `6/${Array.from({ length: count }, (_, index) => `%${index + 1}`).join(':')}`;

/** Rules that follow the first one; a request within a request passes over them. */
function rules({ blocks, ipv6Prefix }: ApachePlan): readonly string[] {
  const refuse = 'PT,END';
  return [
    `# Who is blocked on any site. When the service ends this file is made empty, and everybody is served.
RewriteCond ${blocks}/clients.pag -s
RewriteCond %{REMOTE_ADDR} "${clientPattern(ipv6Prefix)}"
RewriteCond "\${postern_clients:${capturedKey(ipv6Prefix)}}" "^(.+)$"
RewriteRule ^ - [E=POSTERN_CLIENT:%1]`,
    `# The site, where it matters.
RewriteCond %{ENV:POSTERN_CLIENT} . [OR]
RewriteCond ${blocks}/shed.pag -s
RewriteRule ^ - [E=POSTERN_SITE:${OTHER}]`,
    `RewriteCond %{ENV:POSTERN_SITE} .
RewriteCond %{SERVER_NAME} "${NAME}"
RewriteRule ^ - [E=POSTERN_SITE:\${postern_sites:%0|${OTHER}}]`,
    `RewriteCond %{ENV:POSTERN_CLIENT} "^(.+)$"
RewriteCond "\${postern_blocks:%{ENV:POSTERN_SITE} %1}" "^(429|503) (${DATE})$"
RewriteRule ^ ${PLACE}/%1 [${refuse},E=POSTERN_REFUSED:%2]`,
    `# Until when all clients of the site wait, as they had too much together, but for who is exempt.
RewriteCond ${blocks}/shed.pag -s
RewriteCond "\${postern_shed:%{ENV:POSTERN_SITE}}" "^(${DATE})$"
RewriteRule ^ - [E=POSTERN_SHED:%1]`,
    spared(
      OCTETS,
      [4, 3, 2, 1].map((capture) => `4/%${capture}`),
    ),
    spared(clientPattern(64), [1, 2, 3, 4].map(groups)),
    `RewriteCond %{ENV:POSTERN_SHED} "^(.+)$"
RewriteRule ^ ${PLACE}/busy [${refuse},E=POSTERN_REFUSED:%1]`,
    `RewriteRule ^${PLACE.replace('.', '\\.')}/ - [R=404]`,
  ];
}

function part(plan: ApachePlan): string {
  const { log, blocks } = plan;
  const all = rules(plan);
  const skipped = all.join('\n').match(/^RewriteRule/gm)?.length ?? 0;
  return `# Written by "postern throttle compile apache"; include it in each <VirtualHost>, before its own rules.
# Apache does not start without a map that is named: where the service never was there is no throttle.
<IfFile !"${blocks}/sites.dir">
    <IfDefine POSTERN_CHECK>
        Error "the service has not written ${blocks} yet"
    </IfDefine>
</IfFile>
<IfFile "${blocks}/sites.dir">
# Looked up anew whenever they change.
${MAPS.map((name) => `RewriteMap postern_${name} "dbm=sdbm:${blocks}/${name}"`).join('\n')}
# What the service counts.
CustomLog "${log}" "${logLine('l', '%{POSTERN_REFUSED}e', ['%a', '%V', '%O', '%m', '%U%q', '%{User-Agent}i'])}"
RewriteEngine on
RewriteCond %{IS_SUBREQ} true [OR]
RewriteCond %{ENV:REDIRECT_STATUS} .
RewriteRule ^ - [S=${skipped}]
${all.join('\n')}

<IfModule proxy_module>
    ProxyPass "${PLACE}/" !
</IfModule>
<Location "${PLACE}/">
    Require all granted
    Header always set Retry-After "expr=%{reqenv:POSTERN_REFUSED}"
    Header always set Cache-Control no-store
    Header always set X-Content-Type-Options nosniff
    Header always set Content-Type "text/html; charset=utf-8"
</Location>
${answer('429', 429, 'client')}
${answer('503', 503, 'client')}
${answer('busy', 503, 'site')}
</IfFile>
`;
}

/** X-Forwarded-For counts when a proxy of ours wrote it. */
function realAddress(trusted: readonly string[]): string {
  if (trusted.length === 0) return '';
  const networks = trusted.map((each) => `    RemoteIPInternalProxy ${each}\n`).join('');
  return `    RemoteIPHeader X-Forwarded-For\n${networks}`;
}

/** `:80` is every address there. */
function listening(bind: string): { readonly listen: string; readonly host: string } {
  const [, address = '', port = bind] = /^(.*):(\d+)$/.exec(bind) ?? [];
  return { listen: address === '' ? port : bind, host: `${address === '' ? '*' : address}:${port}` };
}

function whole({ bind, server, trusted, folder }: ApachePlan): string {
  const { listen, host } = listening(bind);
  return `# Written by "postern throttle compile apache". Needs the modules rewrite, headers, alias, proxy and proxy_http${trusted.length > 0 ? ', and remoteip' : ''}.
Listen ${listen}
<VirtualHost ${host}>
    ServerName ${OTHER}
    UseCanonicalName Off
    <IfModule reqtimeout_module>
        RequestReadTimeout header=10
    </IfModule>
${realAddress(trusted)}    Include "${folder}/${PART}"
    ProxyPreserveHost On
    ProxyPass "/" "http://${server}/"
</VirtualHost>
`;
}

/**
 * The configuration with which Apache 2.4 enforces the policies: by the blocks that the service writes as it reads the
 * log (mod_rewrite with maps in sdbm, which Apache looks up anew when they change). A service that is away lets
 * everybody pass.
 *
 * @throws AppError E_PREFIX (exit 64)
 */
export function compileApache(plan: ApachePlan): ReadonlyMap<string, string> {
  return new Map([
    ['postern-throttle.conf', whole(plan)],
    [PART, part(plan)],
  ]);
}

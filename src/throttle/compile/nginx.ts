import { errorPage } from '../error-page.ts';
import { logFormat } from '../nginx/log.ts';
import { OTHER } from '../site.ts';

/** Where nginx finds the service, and the web server behind it. */
export type NginxPlan = {
  /** The decision server: `unix:/PATH` or `HOST:PORT`. */
  readonly decision: string;
  /** The log that the service reads. */
  readonly log: string;
  /** Folder in which the service writes its blocks. */
  readonly blocks: string;
  readonly bind: string;
  /** `HOST:PORT`. */
  readonly server: string;
  /** Networks whose X-Forwarded-For is believed. */
  readonly trusted: readonly string[];
};

const PAGE_SECONDS = 987_654;

/** The error page as a string of nginx. @param when  what stands in place of "in N minutes" */
function page(when: string, because: 'client' | 'site'): string {
  const refusal = { status: 429, site: 'this site', accept: undefined, because } as const;
  const { body } = errorPage({ ...refusal, retryAfter: PAGE_SECONDS });
  return body
    .replace(/in \d+ minutes?/, when)
    .replaceAll('"', '\\"')
    .replaceAll('\n', '\\n');
}

/** What answers whoever is refused. @param answers  directives that end in an answer */
function limited(location: string, retryAfter: string, answers: string): string {
  return `    location ${location} {
        add_header Retry-After ${retryAfter} always;
        add_header Cache-Control no-store always;
        add_header X-Content-Type-Options nosniff always;
        default_type "text/html; charset=utf-8";
        ${answers}
    }`;
}

function busy(when: string): string {
  return `return 503 "${page(when, 'site')}";`;
}

function refusal(location: string, retryAfter: string, condition: string, when: string, before = ''): string {
  const text = page(when, 'client');
  return limited(
    location,
    retryAfter,
    `${before}if (${condition}) { return 503 "${text}"; }\n        return 429 "${text}";`,
  );
}

const internal = (location: string) => location.replace('{\n', '{\n        internal;\n');

/** The web server behind it. */
export function behind(server: string): string {
  return `proxy_set_header Host $host;
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_pass http://${server};`;
}

/** X-Forwarded-For counts when a proxy of ours wrote it. */
export function realAddress(trusted: readonly string[]): string {
  if (trusted.length === 0) return '';
  const networks = trusted.map((each) => `    set_real_ip_from ${each};\n`).join('');
  return `${networks}    real_ip_header X-Forwarded-For;\n    real_ip_recursive on;\n`;
}

function logging(log: string, format: string): string {
  return `log_format postern '${format}';\n# Written in pieces of 32 kB, or after 200 ms.\naccess_log ${log} postern buffer=32k flush=200ms;\n`;
}

function logDriven(plan: NginxPlan): string {
  const { blocks, bind, server, trusted, log } = plan;
  return `# Written by "postern throttle compile nginx"; include it within http { }.
# Who has had too much follows from the log; the service writes it here, and nginx asks nobody.
map_hash_max_size 262144;
map_hash_bucket_size 256;
geo $postern_client { default ""; include ${blocks}/clients.geo; }
map $host $postern_site { default ${OTHER}; include ${blocks}/sites.map*; }
map $postern_site $postern_503 { default ""; include ${blocks}/status.map*; }
# Without this file, which is taken away when the service ends, everybody is served.
map "$postern_site|$postern_client" $postern_until { default ""; include ${blocks}/blocks.map*; }
# Until when all clients of a host wait, as they had too much together; looked up further only then, for who is exempt.
map $host $postern_over { include ${blocks}/shed.map*; }
geo $postern_everywhere { default ""; include ${blocks}/exempt.geo; }
geo $postern_network { default ""; include ${blocks}/networks.geo; }
map "$postern_site|$postern_network" $postern_here { default ""; include ${blocks}/exempt.map*; }
map "$postern_everywhere$postern_here" $postern_waits { default ""; "" $postern_over; }
${logging(log, logFormat('l', '$postern_refused'))}
server {
    listen ${bind};
    client_header_timeout 10s;
${realAddress(trusted)}
    # Site and block are looked up only for clients that are blocked anywhere.
    set $postern_refused "";
    if ($postern_client) { set $postern_refused $postern_until; }
    if ($postern_refused) { rewrite ^ /_postern_refused last; }
    if ($postern_over) { set $postern_refused $postern_waits; }
    if ($postern_refused) { rewrite ^ /_postern_busy last; }

${internal(refusal('= /_postern_refused', '$postern_until', '$postern_503', 'after $postern_until'))}

${internal(limited('= /_postern_busy', '$postern_over', busy('after $postern_over')))}

    location / {
        ${behind(server)}
    }
}
`;
}

function asking(plan: NginxPlan): string {
  const { decision, bind, server, trusted, log } = plan;
  return `# Written by "postern throttle compile nginx --mode auth"; include it within http { }.
upstream postern_throttle {
    server ${decision};
    keepalive 64;
}
# Requests are counted by whoever is asked, bytes by this log.
${logging(log, logFormat('a', '$postern_retry'))}
server {
    listen ${bind};
    client_header_timeout 10s;
${realAddress(trusted)}
    location = /_postern_throttle {
        internal;
        proxy_pass http://postern_throttle/c/$host/$remote_addr;
        proxy_http_version 1.1;
        proxy_pass_request_headers off;
        proxy_set_header Connection "";
        proxy_set_header X-Original-Method $request_method;
        proxy_set_header X-Original-URI $request_uri;
        proxy_set_header User-Agent $http_user_agent;
        proxy_pass_request_body off;
        proxy_set_header Content-Length "";
        proxy_connect_timeout 50ms;
        proxy_read_timeout 50ms;
    }

    location / {
        auth_request /_postern_throttle;
        auth_request_set $postern_retry $upstream_http_retry_after;
        auth_request_set $postern_status $upstream_http_x_postern_status;
        auth_request_set $postern_because $upstream_http_x_postern_because;
        # auth_request knows no other refusal than 403.
        error_page 403 = @postern_limited;
        # The service is away: everybody passes, and the error log says so.
        error_page 500 = @postern_open;
        ${behind(server)}
    }

${refusal(
  '@postern_limited',
  '$postern_retry',
  '$postern_status = 503',
  'in $postern_retry seconds',
  `if ($postern_because = site) { ${busy('in $postern_retry seconds')} }\n        `,
)}

    location @postern_open {
        ${behind(server)}
    }
}
`;
}

/**
 * The part of a configuration with which nginx enforces the policies: by the blocks that the service writes as it
 * reads the log (ngx_http_geo_module, ngx_http_map_module), or by asking it before it serves
 * (ngx_http_auth_request_module). Either way a service that is away lets everybody pass.
 */
export function compileNginx(plan: NginxPlan, mode: 'log' | 'auth'): ReadonlyMap<string, string> {
  return new Map([['postern-throttle.conf', mode === 'log' ? logDriven(plan) : asking(plan)]]);
}

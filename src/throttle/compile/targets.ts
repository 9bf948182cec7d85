import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { compileApache } from './apache.ts';
import { compileCaddy } from './caddy.ts';
import { byNobody, byProgram } from './checker.ts';
import { compileHaproxy } from './haproxy.ts';
import { compileNftables } from './nftables.ts';
import { compileNginx } from './nginx.ts';
import { compileNginxLua } from './nginx-lua.ts';
import type { Target } from './target.ts';
import { compileTraefik } from './traefik.ts';

const haproxy = byProgram({
  program: 'haproxy',
  args: (file) => ['-c', '-f', file],
  byHand: (file) => `haproxy -c -f ${file}`,
  fix: 'Correct what it names.',
});

/** nginx wants a whole configuration; ours is the part within http. */
function aroundNginx(file: string, folder: string, modules: readonly string[] = []): string {
  const whole = join(folder, 'nginx.conf');
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (each) => `${each}_temp_path ${folder}/${each};`,
  );
  writeFileSync(
    whole,
    `${modules.map((name) => `load_module /usr/lib/nginx/modules/${name}_module.so; `).join('')}pid ${folder}/pid; error_log stderr; events { }\nhttp { ${paths.join(' ')} include ${file}; }\n`,
  );
  return whole;
}

const nginx = byProgram({
  program: 'nginx',
  args: (file, folder) => ['-t', '-q', '-c', aroundNginx(file, folder), '-p', folder],
  byHand: () => 'nginx -t',
  fix: 'Correct what it names; the service has to have written its files once.',
});

/** Caddy opens the logs when it only checks, and whoever asks may not be who runs it: a copy without them. */
function withoutLogs(file: string, folder: string): string {
  const copied = (name: string, from: string, to: string) => {
    const text = readFileSync(join(from, name), 'utf8').replaceAll(
      /output file \S+ \{[^}]*\}/g,
      'output discard',
    );
    writeFileSync(join(to, name), text.replaceAll(`import ${from}/`, `import ${to}/`));
    return join(to, name);
  };
  copied('postern-throttle.caddy', dirname(file), folder);
  return copied('Caddyfile', dirname(file), folder);
}

const nginxLua = byProgram({
  program: 'nginx',
  args: (file, folder) => [
    '-t',
    '-q',
    '-c',
    aroundNginx(file, folder, ['ndk_http', 'ngx_http_lua']),
    '-p',
    folder,
  ],
  byHand: () => 'nginx -t',
  fix: 'Correct what it names; Debian has the module in libnginx-mod-http-lua.',
});

const caddy = byProgram({
  program: 'caddy',
  args: (file, folder) => ['validate', '--adapter', 'caddyfile', '--config', withoutLogs(file, folder)],
  byHand: (file) => `caddy validate --adapter caddyfile --config ${file}`,
  fix: 'Correct what it names.',
  noise: /^\{"level":"(?:info|warn)"/,
});

/** What our configuration needs of Apache's modules, and what only Debian has in the program. */
const MODULES = 'mpm_event authz_core log_config logio rewrite headers alias proxy proxy_http remoteip'.split(
  ' ',
);

/** Apache wants a whole configuration; ours is a part of one. */
function aroundApache(file: string, folder: string): string {
  const whole = join(folder, 'httpd.conf');
  const modules = MODULES.map(
    (name) =>
      `<IfModule !${name}_module>\nLoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so\n</IfModule>\n`,
  );
  writeFileSync(
    whole,
    `ServerRoot ${folder}\nServerName localhost\nPidFile ${folder}/pid\nErrorLog ${folder}/error.log\nDefine POSTERN_CHECK\n${modules.join('')}Include ${file}\n`,
  );
  return whole;
}

const apache = byProgram({
  program: 'apache2',
  args: (file, folder) => ['-t', '-f', aroundApache(file, folder)],
  byHand: () => 'apache2ctl configtest',
  fix: 'Correct what it names; the service has to have written its files once.',
});

const nftables = byProgram({
  program: 'nft',
  args: (file) => ['-c', '-f', file],
  byHand: (file) => `nft -c -f ${file}`,
  fix: 'Correct what it names; only root may ask it.',
});

/** Every server for which a configuration can be written, by its name on the command line. */
export const TARGETS = {
  haproxy: {
    log: '/var/log/haproxy.log',
    ways: {
      native: {
        compile: compileHaproxy,
        check: haproxy,
        shortcomings: {
          message:
            'HAProxy counts by itself in windows of the clock, bytes in whole kibibytes; a budget for a whole site begins and ends up to a second late.',
          evidence:
            'Of more than 20,000 clients at once only those with the most requests or bytes reach "throttle top"; a request of a block is not kept.',
          fix: 'Where every request has to be exact, let nginx ask the service, or use the built-in front.',
        },
      },
    },
  },
  nginx: {
    log: '/var/log/nginx/postern-throttle.log',
    ways: {
      log: {
        compile: (plan) => compileNginx(plan, 'log'),
        check: nginx,
        shortcomings: {
          message:
            'nginx learns from its own log whom to refuse: a block, and the budget of a whole site, begins and ends up to two seconds late.',
          evidence: 'A service that is away lets everybody pass; Retry-After is a date.',
          fix: 'Where every request has to be exact, write the configuration with --mode auth.',
        },
      },
      auth: {
        compile: (plan) => compileNginx(plan, 'auth'),
        check: nginx,
        shortcomings: {
          message: 'nginx asks before each request, and tells the bytes 0.3 s later by its log.',
          evidence: 'A service that is away lets everybody pass, within 50 ms.',
          fix: 'Where the service must not be needed, use HAProxy by itself.',
        },
      },
      lua: {
        compile: compileNginxLua,
        check: nginxLua,
        shortcomings: {
          message:
            'nginx counts by itself in windows of the clock; it is exact, and a change here takes a second to get there.',
          evidence:
            'It goes on refusing when the service is away. A restart of nginx, unlike a reload, forgets what it counted; the service gives the blocks back.',
          fix: 'Where no more than a log is wanted in the way of a request, write the configuration with --mode log.',
        },
      },
    },
  },
  caddy: {
    log: '/var/log/caddy/postern-throttle.log',
    ways: {
      auth: {
        compile: compileCaddy,
        proxies: 'service',
        check: caddy,
        shortcomings: {
          message:
            'Caddy asks before each request, and tells the bytes by its log, of the body only: a header is not counted.',
          evidence:
            'A service that is away or slow lets everybody pass, within 50 ms; who passed so is in postern-open.log beside the log.',
          fix: 'Where the service must not be needed, use HAProxy by itself.',
        },
      },
    },
  },
  apache: {
    log: '/var/log/apache2/postern-throttle.log',
    ways: {
      log: {
        compile: compileApache,
        check: apache,
        shortcomings: {
          message:
            'Apache learns from its own log whom to refuse: a block, and the budget of a whole site, begins and ends up to a second late.',
          evidence:
            'A service that is away lets everybody pass; Retry-After is a date. With BufferedLogs the log comes when 4 kB are full, which on a quiet site is late.',
          fix: 'Where every request has to be exact, let nginx ask the service, or use HAProxy by itself.',
        },
      },
    },
  },
  traefik: {
    log: '/var/log/traefik/postern-throttle.log',
    decision: '127.0.0.1:8181',
    ways: {
      auth: {
        compile: compileTraefik,
        proxies: 'both',
        check: byNobody('Traefik', 'Start it with the configuration, and read its log.'),
        shortcomings: {
          message:
            'Traefik asks before each request, and answers 500 to everybody while the service is away: it cannot let them pass.',
          evidence:
            'Bytes come by its log, of the body only. What was written follows its documentation and was not tried with Traefik.',
          fix: 'Where the service must not be needed, put HAProxy, nginx or Caddy in its place or in front of it.',
        },
      },
    },
  },
  nftables: {
    ways: {
      native: {
        compile: compileNftables,
        check: nftables,
        shortcomings: {
          message:
            'Whoever is dropped reaches nothing on this machine, no other site and no mail either, until the block ends.',
          evidence:
            'Only fronts that tell of each refusal lead to it, HAProxy does not; behind a proxy it is the proxy that sends the packets.',
          fix: 'Keep --drop-after high, and exempt the networks from which you administer.',
        },
      },
    },
  },
} as const satisfies Readonly<Record<string, Target>>;

import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';

/** Where Caddy finds the service, and the web server behind it. */
export type CaddyPlan = {
  /** The decision server: `unix:/PATH` or `HOST:PORT`. */
  readonly decision: string;
  /** The log that the service reads. */
  readonly log: string;
  readonly bind: string;
  /** `HOST:PORT`. */
  readonly server: string;
  /** Folder in which the files lie. */
  readonly folder: string;
};

/** A place as Caddy writes it: `unix//PATH` is a socket. */
function upstream(place: string): string {
  return place.replace(/^unix:/, 'unix/');
}

/** What answers for a service that is away: a socket without a file, one for each configuration of a machine. */
function openSocket(folder: string): string {
  return `unix/@postern-open-${createHash('sha256').update(folder).digest('hex').slice(0, 12)}`;
}

/** The directives to import: whoever asks for a site that imports them is counted, and refused when it is time. */
function snippet({ decision, log, folder }: CaddyPlan): string {
  const open = openSocket(folder);
  return `# Written by "postern throttle compile caddy". Import this file at the top of a Caddyfile, and write
# "import postern_throttle" in each site, before what serves it.
(postern_throttle) {
	# Bytes are counted from this log. A site has one log only: where it has its own, keep that as JSON, take this one away,
	# and let the service read that (throttle serve --access-log).
	log {
		output file ${log} {
			roll_size 64MiB
			roll_keep 2
		}
		format json
	}
	# The second place is for when the first is away or slow: everybody passes.
	forward_auth ${upstream(decision)} ${open} {
		# In the query, where Caddy escapes what a client wrote, and no field that it sends crowds anything out.
		uri /q?by={remote_host}&for={header.X-Forwarded-For}&host={hostport}&method={method}&uri={uri}
		# Whether somebody may pass is no matter of who it is.
		header_up -Cookie
		header_up -Authorization
		header_up -X-*
		lb_policy first
		lb_try_duration 2s
		lb_try_interval 1ms
		fail_duration 200ms
		transport http {
			dial_timeout 50ms
			response_header_timeout 50ms
		}
	}
}

# The port is a name only: nothing listens there.
http://:1 {
	bind ${open}
	# Whoever passed without a decision stands here.
	log {
		output file ${join(dirname(log), 'postern-open.log')} {
			roll_size 1MiB
			roll_keep 1
		}
		format json
	}
	respond 204
}
`;
}

/** A place as the address of a site for Caddy, without certificates; a name alone is one already. */
function site(bind: string): { readonly address: string; readonly only: string } {
  const [, host = '', port] = /^(?:(.*):)?(\d+)$/.exec(bind) ?? [];
  if (port === undefined) return { address: `http://${bind}`, only: '' };
  const everywhere = host === '' || host === '*';
  return {
    address: `http://:${port}`,
    only: everywhere ? '' : `\tbind ${host.replace(/^\[(.*)\]$/, '$1')}\n`,
  };
}

/** A whole configuration around it, to try and as an example. */
function example(plan: CaddyPlan): string {
  const { address, only } = site(plan.bind);
  return `# Written by "postern throttle compile caddy", as an example: what it does belongs into your own Caddyfile.
import ${plan.folder}/postern-throttle.caddy

${address} {
${only}	import postern_throttle
	reverse_proxy ${plan.server}
}
`;
}

/**
 * Directives with which Caddy (2.6 or later) asks the decision server before it serves (`forward_auth`), and a
 * configuration that uses them. A service that is away lets everybody pass.
 *
 * @returns name and content of each, the whole configuration first
 */
export function compileCaddy(plan: CaddyPlan): ReadonlyMap<string, string> {
  return new Map([
    ['Caddyfile', example(plan)],
    ['postern-throttle.caddy', snippet(plan)],
  ]);
}

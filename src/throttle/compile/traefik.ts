import { AppError, ExitCode } from '../../errors.ts';
import { BECAUSE_FIELD } from '../error-page.ts';

/** Where Traefik finds the service, and the web server behind it. */
export type TraefikPlan = {
  /** The decision server, `HOST:PORT`. */
  readonly decision: string;
  /** The log that the service reads. */
  readonly log: string;
  readonly bind: string;
  /** `HOST:PORT`. */
  readonly server: string;
  /** Networks whose X-Forwarded-For is believed. */
  readonly trusted: readonly string[];
  /** Folder in which the files lie. */
  readonly folder: string;
};

/** What is said with it: nobody here has seen it run. */
const UNTRIED = `# The form follows the documentation of Traefik 2.11 and 3; Traefik itself was not asked whether it takes it.`;

/** Where an entry point listens: a port alone needs its colon, and everywhere is no name. */
function entryPoint(bind: string): string {
  return bind.replace(/^(?:\*:|:)?(\d+)$/, ':$1');
}

/** Entry point, log and provider: what Traefik reads once, when it starts. */
function fixedPart({ bind, log, trusted, folder }: TraefikPlan): string {
  const believed = trusted.map((each) => `        - "${each}"\n`).join('');
  return `# Written by "postern throttle compile traefik", as an example: what it does belongs into your own traefik.yml.
${UNTRIED}
entryPoints:
  web:
    address: "${entryPoint(bind)}"
${believed === '' ? '' : `    # From anywhere else X-Forwarded-For is taken away.\n    forwardedHeaders:\n      trustedIPs:\n${believed}`}
providers:
  file:
    filename: "${folder}/postern-throttle.yml"

# Bytes are counted from this log.
accessLog:
  filePath: "${log}"
  format: json
  fields:
    defaultMode: keep
    headers:
      defaultMode: drop
      names:
        User-Agent: keep
        # Tells a refusal from what was served.
        ${BECAUSE_FIELD}: keep
`;
}

/**
 * Behind proxies of ours the fields that choose site and request are taken away before anybody is asked: there a proxy
 * may have handed on what a client wrote. Then Traefik writes its own.
 */
function middlewares({ decision, trusted }: TraefikPlan): string {
  const behind = trusted.length > 0;
  const ask = `      forwardAuth:
        address: "http://${decision}/f"
        trustForwardHeader: ${behind}
        # Whether somebody may pass is no matter of who it is: no cookies, no passwords.
        authRequestHeaders:
          - Accept
          - User-Agent
`;
  if (!behind) return `    postern-throttle:\n${ask}`;
  return `    # What a proxy in front wrote there would choose the site.
    postern-names:
      headers:
        customRequestHeaders:
          X-Forwarded-Host: ""
          X-Forwarded-Method: ""
          X-Forwarded-Uri: ""
    postern-ask:
${ask}    postern-throttle:
      chain:
        middlewares:
          - postern-names
          - postern-ask
`;
}

/** Middleware, and a router that uses it: what Traefik reads again when it changes. */
function changingPart(plan: TraefikPlan): string {
  return `# Written by "postern throttle compile traefik". Name the middleware "postern-throttle" in each router whose requests
# are to be counted, before any other; the router here is an example.
${UNTRIED}
# When the service is away Traefik answers 500 to everybody: take the middleware out of the routers then.
http:
  middlewares:
${middlewares(plan)}
  routers:
    site:
      rule: "PathPrefix(\`/\`)"
      entryPoints:
        - web
      middlewares:
        - postern-throttle
      service: site

  services:
    site:
      loadBalancer:
        servers:
          - url: "http://${plan.server}"
`;
}

/**
 * A configuration with which Traefik (2.11 or 3) asks the decision server before it serves (`forwardAuth`).
 *
 * @returns name and content of each: what is read once, and what is read again when it changes
 * @throws AppError E_LISTEN (exit 64) for a decision server that is a Unix socket, which Traefik cannot ask
 */
export function compileTraefik(plan: TraefikPlan): ReadonlyMap<string, string> {
  if (plan.decision.startsWith('unix:')) {
    throw new AppError('--decision: Traefik cannot ask a Unix socket.', {
      code: 'E_LISTEN',
      exit: ExitCode.usage,
      hint: 'Start the service with --decision 127.0.0.1:8181, and name that here.',
    });
  }
  return new Map([
    ['traefik.yml', fixedPart(plan)],
    ['postern-throttle.yml', changingPart(plan)],
  ]);
}

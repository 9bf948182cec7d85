import type { Explanation } from './types.ts';

export const throttleExplanations: readonly Explanation[] = [
  {
    id: 'throttle.log.empty',
    what: 'Whether there is a request in the log that could be read.',
    why: 'Without one nothing can be said about any limit.',
    fix: 'Give an access log, not an error log; with --site, one that names the site in each line, such as vhost_combined.',
  },
  {
    id: 'throttle.log.broken',
    what: 'Lines of a log that are no request in a known format.',
    why: 'They count for nothing. A few are normal: scanners send bytes that break the log of some servers.',
    fix: 'Look at the first of them, which are shown; if they are requests, log in combined format or JSON.',
  },
  {
    id: 'throttle.log.damaged',
    what: 'A compressed log that is damaged or ends too early.',
    why: 'What comes before that is counted, the rest is missing from every figure.',
    fix: 'Give the whole file; one that is still being written is best read uncompressed.',
  },
  {
    id: 'throttle.log.late',
    what: 'Requests in the log that stand millions of lines away from where their time belongs.',
    why: 'They are counted at the time of the one before, so blocks may begin too late.',
    fix: 'Sort the log by time before, or give the older file first.',
  },
  {
    id: 'throttle.compile.front',
    what: 'What the web server cannot do of what the service can.',
    why: 'HAProxy and nginx with Lua count in windows of the clock, nginx and Apache learn from a log, and Caddy and Traefik know bytes from it, so blocks, bytes or budgets are late or coarse by a little; which, it says each time.',
    fix: 'Nothing, where that is near enough. Where it is not, choose the way that is exact: nginx asking, or the built-in front.',
  },
  {
    id: 'throttle.compile.trusted',
    what: 'Whether the service believes the proxies that were named with --trusted-proxy.',
    why: 'Caddy and Traefik hand on the whole list of X-Forwarded-For, and the service looks for the client in it. To a service that does not know the proxy all visitors behind it are one client, and are blocked together.',
    fix: 'Start the service with the same --trusted-proxy, and write the configuration again.',
  },
  {
    id: 'throttle.compile.check',
    what: "What the server's own checker says about the configuration that was written.",
    why: 'A configuration that the server does not take is not loaded: it goes on with the one before, or does not start at all.',
    fix: 'Correct what it names. Traefik has no such checker: start it, and read its log. For nginx the service has to have run once with --nginx-dir, as the files that it writes are included; on another machine ask the checker there.',
  },
  {
    id: 'throttle.memory',
    what: 'Clients that the service forgot before their ten minutes were over.',
    why: 'There were more at once than it keeps. Those furthest from their limits go first, so at most a block comes later than it should; blocks themselves are never forgotten.',
    fix: 'Look with "throttle top" who they are. A flood of single addresses is better met by a budget for the whole site ("throttle site edit SITE --budget N/SIZE"), or by whoever carries the traffic.',
  },
  {
    id: 'throttle.store',
    what: 'Whether the service can write what has to survive a restart.',
    why: 'Blocks and changes are stored at once. When that fails they hold in memory, so nobody is let through who should not be, but a restart forgets them.',
    fix: 'Look at what the service wrote: journalctl -u postern-throttle. Usually the disk is full, or the folder of the database belongs to somebody else.',
  },
  {
    id: 'throttle.share',
    what: 'Whether the Redis or Valkey server is there by which several machines count together.',
    why: 'Without it each node goes on with what it had heard, and with what it counts itself: a client may have its limit once from each. Nobody waits for it, and blocks hold.',
    fix: 'Start it, or see why it is not reached: "throttle status" has the reason. Nothing else has to be done: nodes tell what still matters when it is back.',
  },
  {
    id: 'throttle.share-clock',
    what: 'Whether the clock of a node and that of the server which it shares by agree within two seconds.',
    why: 'Counts and ends of blocks are told by the clock of the server, so a wrong clock does no harm here; times in the log of the node are wrong.',
    fix: 'Let both machines keep time by NTP (timedatectl shows whether they do).',
  },
  {
    id: 'throttle.share-loss',
    what: 'Whether something that nodes tell each other was given up.',
    why: 'Memory is bounded, here and on the server: in a flood, or while the server is away for long, the oldest counts go first. Whatever makes no sense is left out. The sum is too low then, so a block may come later than it should.',
    fix: 'Give the nodes a database of the server for themselves (rediss://HOST/NUMBER), and look with "throttle top" what the flood is.',
  },
  {
    id: 'throttle.service',
    what: 'Whether the service answers.',
    why: 'Without it nobody is counted. The built-in front is gone with it; servers that only ask it let everybody pass.',
    fix: 'Start it, and look at what it wrote last: systemctl status postern-throttle, journalctl -u postern-throttle.',
  },
  {
    id: 'throttle.response-size',
    what: 'A response that is larger than all the bytes which a preset allows in ten minutes.',
    why: 'Whoever fetches it is blocked afterwards, however well they behave.',
    fix: 'Serve large files under a name of its own and give that a looser limit, or leave this site at 10000/200M.',
  },
  ...(
    [
      ['refused', 'Whether request 21 of the demonstration got the error page with Retry-After.'],
      ['others', 'Whether another client and another site went on meanwhile.'],
      ['quota', 'Whether the block ended in its time although requests went on, and left the whole quota.'],
      ['simulate', 'Whether the simulation of an invented log recommends the preset that it should.'],
    ] as const
  ).map(([name, what]) => ({
    id: `demo.throttle.${name}`,
    what,
    why: 'The demonstration checks itself: service, web server and clients are on this machine.',
    fix: 'Was the machine so busy that seconds were lost? Run it again; then with POSTERN_DEBUG=1.',
  })),
];

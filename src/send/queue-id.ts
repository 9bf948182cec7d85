/** Shapes in which servers tell their queue id in the reply to a message, most specific first. */
const SHAPES: readonly RegExp[] = [
  /\bqueued as "?([A-Za-z0-9._-]{4,80})"?/i, // Postfix, chasquid, smtp-server
  /\bid=<?([A-Za-z0-9._-]{4,80})>?/i, // Exim
  /\bInternalId=(\d+)/i, // Exchange
  /\bmessage queued(?:: | as | )<?([A-Za-z0-9._-]{4,80})>?/i, // Haraka, OpenSMTPD
  /\b([A-Za-z0-9._-]{8,80}) Message accepted for delivery/i, // Sendmail, OpenSMTPD
  /^(?:\d{3} )?(?:\d\.\d\.\d )?OK +\d{6,} ([A-Za-z0-9._-]+) - gsmtp/i, // Gmail
  /\bqueued \(?([A-Za-z0-9._-]{6,80})\)?/i,
];

/** The receiving server's queue id in the text of its 250 reply; null when none can be seen. */
export function queueIdOf(text: string): string | null {
  const bounded = text.slice(0, 1000);
  for (const shape of SHAPES) {
    const id = shape.exec(bounded)?.[1];
    if (id) return id;
  }
  return null;
}

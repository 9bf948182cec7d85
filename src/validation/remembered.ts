import type { Client } from './types.ts';

/** Clients that are remembered. */
const MOST = 1000;

/** Clients as they were last read, to sign with while the store is away, and for nothing else. */
export class Remembered {
  private readonly clients = new Map<number, Client>();

  note(client: Client | undefined): Client | undefined {
    if (client && (this.clients.has(client.id) || this.clients.size < MOST))
      this.clients.set(client.id, client);
    return client;
  }

  readonly find = (id: number): Client | undefined => this.clients.get(id);
}

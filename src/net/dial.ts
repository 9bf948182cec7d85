import { connect, type Socket } from 'node:net';

/** Where to connect. */
export type DialTarget = { readonly ip: string; readonly port: number };

/** Opens a TCP connection to an address; rejects with the system's error, or with the signal's reason. */
export type Dialer = (target: DialTarget, signal: AbortSignal) => Promise<Socket>;

/** The real thing. The address has been resolved and vetted by the caller: no name is looked up here. */
export const dialTcp: Dialer = ({ ip, port }, signal) =>
  new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const socket = connect({ host: ip, port, noDelay: true });
    const stop = () => {
      socket.destroy();
      reject(signal.reason);
    };
    const settle = () => {
      signal.removeEventListener('abort', stop);
      socket.removeAllListeners('error');
    };
    signal.addEventListener('abort', stop, { once: true });
    socket.once('connect', () => {
      settle();
      resolve(socket);
    });
    socket.once('error', (error) => {
      settle();
      reject(error);
    });
    return undefined;
  });

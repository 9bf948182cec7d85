// Talks to the service. The browser keeps the cookie; the token lies in the memory of this tab alone.

const TOKEN = 'postern-session';

let token = sessionStorage.getItem(TOKEN);
let onEnd = () => undefined;

/** What the service answers when it does not do something. */
export class Refusal extends Error {
  constructor({ message, hint, code }, status) {
    super(message);
    this.hint = hint;
    this.code = code;
    this.status = status;
  }
}

/** Hears when the session is over. */
export function whenEnded(listener) {
  onEnd = listener;
}

function ended() {
  sessionStorage.removeItem(TOKEN);
  token = null;
  onEnd();
}

const fields = () => ({ 'x-postern-session': token ?? '' });

async function failureOf(response) {
  const { error } = await response.json().catch(() => ({}));
  if (response.status === 401) ended();
  return new Refusal(error ?? { message: `The service answered ${response.status}.` }, response.status);
}

/**
 * Begin a session with the key behind the # of the address, which is gone from the address then; or go on with the one
 * of this tab.
 *
 * @returns whether there is a session
 */
export async function enter() {
  const key = location.hash.slice(1);
  if (/^[\w-]{20,100}$/.test(key)) {
    history.replaceState(null, '', '/');
    const response = await fetch('/session', { method: 'POST', headers: { 'x-postern-session': key } });
    if (!response.ok) return false;
    token = (await response.json()).token;
    sessionStorage.setItem(TOKEN, token);
  }
  return token !== null;
}

export async function leave() {
  await fetch('/session', { method: 'DELETE', headers: fields() }).catch(() => undefined);
  ended();
}

/** One call of the API; throws a {@link Refusal}. */
export async function call(path, { method = 'GET', body } = {}) {
  const response = await fetch(path, {
    method,
    headers: { ...fields(), ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw await failureOf(response);
  return response.json();
}

/** Send a file; `progress` hears the share that has left, 0 to 1. */
export function upload(path, file, progress, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', path);
    request.setRequestHeader('x-postern-session', token ?? '');
    request.setRequestHeader('content-type', 'application/octet-stream');
    request.upload.addEventListener('progress', ({ loaded, total }) =>
      progress(total > 0 ? loaded / total : 1),
    );
    request.addEventListener('error', () => reject(new Refusal({ message: 'The service broke off.' }, 0)));
    request.addEventListener('abort', () => reject(new Refusal({ message: 'Stopped.' }, 0)));
    request.addEventListener('load', () => {
      const answer = JSON.parse(request.responseText || '{}');
      if (request.status === 200) resolve(answer);
      else {
        if (request.status === 401) ended();
        reject(new Refusal(answer.error ?? { message: 'The service did not understand.' }, request.status));
      }
    });
    signal.addEventListener('abort', () => request.abort());
    request.send(file);
  });
}

/** The events in a stream, as they come. */
async function* eventsIn(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (text + value).split('\n\n');
    text = parts.pop() ?? '';
    for (const part of parts) {
      const [, event] = /^event: (.*)$/m.exec(part) ?? [];
      const [, data] = /^data: (.*)$/m.exec(part) ?? [];
      if (event !== undefined && data !== undefined) yield { event, data: JSON.parse(data) };
    }
  }
}

/** Watch what happens for as long as there is a session, and begin anew when the line breaks. */
export async function watch(onEvent, onLink) {
  for (let wait = 1000; token !== null; wait = Math.min(wait * 2, 15_000)) {
    try {
      const response = await fetch('/v1/events', { headers: fields() });
      if (!response.ok) throw await failureOf(response);
      onLink(true);
      wait = 500;
      for await (const event of eventsIn(response.body)) {
        if (event.event === 'over') return ended();
        onEvent(event);
      }
      // Ended by the service: it says whether the session is over, or it is itself.
      await call('/v1/status');
    } catch {
      // Told by the line in the header; the next try follows.
    }
    if (token === null) return;
    onLink(false);
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

/** Whoever does something at the page keeps the session, without asking for anything. */
export function keepAlive() {
  let last = Date.now();
  const note = () => {
    if (token === null || Date.now() - last < 60_000) return;
    last = Date.now();
    call('/v1/status').catch(() => undefined);
  };
  for (const event of ['pointerdown', 'keydown']) addEventListener(event, note, { passive: true });
}

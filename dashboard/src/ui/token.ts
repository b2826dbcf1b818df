/**
 * The token that lets this page in where the gateway asks for one: from the link (`#token=…`, a part that
 * no server is sent) or from the dialog. It is kept as long as the tab, and taken off the address bar.
 */
const KEY = 'tapecast-token';

let token = '';

function store(): Storage | undefined {
  try {
    return sessionStorage;
  } catch {
    return undefined; // forbidden by the browser's settings: it lasts until the page is left
  }
}

export function currentToken(): string {
  return token;
}

export function setToken(text: string): void {
  token = text.trim();
  if (token === '') store()?.removeItem(KEY);
  else store()?.setItem(KEY, token);
}

/** At the page's beginning, before anything reads the link. */
export function takeToken(): void {
  const parts = location.hash.replace(/^#/, '').split('&');
  const given = parts.find((part) => part.startsWith('token='));
  if (given === undefined) {
    token = store()?.getItem(KEY) ?? '';
    return;
  }
  setToken(given.slice('token='.length));
  const rest = parts.filter((part) => part !== given).join('&');
  history.replaceState(history.state, '', location.pathname + location.search + (rest === '' ? '' : '#' + rest));
}

export function authorization(): Record<string, string> {
  return token === '' ? {} : { authorization: `Bearer ${token}` };
}

/** Symbols and topic levels: what MQTT forbids in a level, or would split one, is percent-encoded. */

export const ALL_QUOTES = 'stocks/+';
export const ALL_STATUS = 'status/+/+';

export function escapeSymbol(symbol: string): string {
  return symbol.replace(/[/+#%\u0000-\u001f\u007f]/g, (c) =>
    '%' + c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0'));
}

export function unescapeSymbol(level: string): string {
  try {
    return decodeURIComponent(level);
  } catch {
    return level;
  }
}

export function quoteTopic(symbol: string): string {
  return 'stocks/' + escapeSymbol(symbol);
}

export type Topic =
  | { kind: 'quote'; symbol: string }
  | { kind: 'status'; program: string; instance: string }
  | { kind: 'other' };

export function parseTopic(topic: string): Topic {
  const levels = topic.split('/');
  if (levels.length === 2 && levels[0] === 'stocks')
    return { kind: 'quote', symbol: unescapeSymbol(levels[1]!) };
  if (levels.length === 3 && levels[0] === 'status')
    return { kind: 'status', program: levels[1]!, instance: levels[2]! };
  return { kind: 'other' };
}

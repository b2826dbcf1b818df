/**
 * Lists and settings as a file, and back; symbols out of any text. What comes in was written by
 * anybody: it is bounded, checked field by field, and what is wrong with it is said in a sentence. Pure.
 */
import { cleanText } from '../protocol/quote';
import { parseSymbols } from './lists';
import { checkAlerts, checkLists, checkSettings, LIST_SYMBOLS_MAX, VERSION, type Lists, type Settings, type StoredAlerts } from './storage';

export const FILE_MAX = 1_000_000;
const MARK = 'tapecast';
const NAME_MAX = 80;

export interface Everything { settings: Settings; lists: Lists; alerts: StoredAlerts }

export function exportText({ settings, lists, alerts }: Everything, now = new Date()): string {
  return JSON.stringify({ [MARK]: 'page', version: VERSION, exported: now.toISOString(), settings, lists, alerts }, null, 2) + '\n';
}

export type Imported =
  | { kind: 'everything'; parts: Partial<Everything> }
  | { kind: 'symbols'; symbols: string[]; names: Map<string, string> }
  | { kind: 'refused'; why: string };

const refused = (why: string): Imported => ({ kind: 'refused', why });

export function importText(text: string): Imported {
  if (text.length > FILE_MAX) return refused('The file is larger than 1 MB: nothing of ours is.');
  if (/^\s*[{[]/.test(text)) return importJson(text);
  if (text.includes('\u0000')) return refused('The file is no text.');
  const { symbols, names } = symbolsOf(text);
  return symbols.length > 0 ? { kind: 'symbols', symbols, names } : refused('The file holds no symbol.');
}

function importJson(text: string): Imported {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return refused('The file is damaged: it is no whole JSON.');
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json) || (json as Record<string, unknown>)[MARK] !== 'page')
    return refused('The file is JSON, but not one that this page exported.');
  const { version, settings, lists, alerts } = json as Record<string, unknown>;
  if (typeof version !== 'number' || !Number.isInteger(version) || version < 1) return refused('The file does not say which version it is of.');
  if (version > VERSION) return refused(`The file is of version ${version}, this page of ${VERSION}: reload the page, or import it where it came from.`);
  const parts: Partial<Everything> = {};
  if (isObject(settings)) parts.settings = checkSettings(settings);
  if (isObject(lists)) parts.lists = checkLists(lists);
  if (isObject(alerts)) parts.alerts = checkAlerts(alerts);
  return Object.keys(parts).length > 0 ? { kind: 'everything', parts } : refused('The file holds neither lists nor settings.');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

// -- symbols out of text ---------------------------------------------------------------------------------

const SYMBOL_HEADS = /^(symbol|ticker|code|act symbol|nasdaq symbol|instrument)$/i;
const NAME_HEADS = /^(name|company|company name|security name|description)$/i;
const DELIMITERS = ['\t', ';', ',', '|'] as const;

/**
 * Symbols, and names where a file has them: a column under a head that says so, else the first of a
 * table, else everything that is not white space.
 */
export function symbolsOf(text: string): { symbols: string[]; names: Map<string, string> } {
  const lines = text.replace(/^\ufeff/, '').split(/\r\n|\r|\n/).filter((line) => line.trim() !== '' && !line.startsWith('#'));
  const delimiter = DELIMITERS.find((d) => lines[0]?.includes(d));
  const rows = delimiter === undefined ? [] : lines.map((line) => cells(line, delimiter));
  const head = rows[0]?.findIndex((cell) => SYMBOL_HEADS.test(cell)) ?? -1;
  if (head < 0 && !isTable(rows)) return { symbols: parseSymbols(withoutHead(lines).join('\n')), names: new Map() };
  const nameAt = head < 0 ? 1 : rows[0]!.findIndex((cell) => NAME_HEADS.test(cell));
  const found = new Map<string, string>();
  for (const row of head < 0 ? rows : rows.slice(1)) {
    const [symbol] = parseSymbols((row[Math.max(0, head)] ?? '').replace(/\s/g, ''));
    if (symbol !== undefined && found.size < LIST_SYMBOLS_MAX * 5) found.set(symbol, plainText(row[nameAt] ?? ''));
  }
  return { symbols: [...found.keys()], names: new Map([...found].filter(([, name]) => /\p{L}/u.test(name))) };
}

/** Lines of the same two or more cells, of which the second is no symbol. */
function isTable(rows: string[][]): boolean {
  return rows.length > 1 && rows.every((row) => row.length >= 2) && rows.some((row) => /[a-z]|\s|^[\d.,-]+$/.test(row[1]!));
}

function withoutHead(lines: string[]): string[] {
  return SYMBOL_HEADS.test(lines[0]?.trim() ?? '') ? lines.slice(1) : lines;
}

/** The cells of one line of CSV, with quotes as RFC 4180 has them (but no line breaks in them). */
function cells(line: string, delimiter: string): string[] {
  const found: string[] = [];
  let cell = '';
  let quoted = false;
  for (let i = 0; i < line.length; i++) {
    const c = line[i]!;
    if (quoted && c === '"' && line[i + 1] === '"') {
      cell += '"';
      i++;
    } else if (c === '"') quoted = !quoted;
    else if (c === delimiter && !quoted) {
      found.push(cell.trim());
      cell = '';
    } else cell += c;
  }
  return [...found, cell.trim()];
}

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'", apos: "'" };

function plainText(text: string): string {
  return cleanText(text.replace(/&(amp|lt|gt|quot|#39|apos);/g, (_, name: string) => ENTITIES[name]!)).slice(0, NAME_MAX);
}

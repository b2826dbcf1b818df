/**
 * The network's side of the page: connection, decoding and merging live in this worker, so that
 * neither a busy market nor a slow page can hold up the other. It posts one batch each BATCH_MS at
 * most, and only after the page has taken the one before: a page that is stopped costs the newest
 * value of each symbol, not a queue.
 */
import { Clock } from '../protocol/clock';
import { Delays } from '../protocol/delays';
import { FaultLog } from '../protocol/faults';
import { Merger } from '../protocol/merge';
import type { FromWorker, ToWorker, Totals } from '../protocol/messages';
import { parseQuote } from '../protocol/quote';
import { parseStatus } from '../protocol/status';
import { filterOf, filtersFor } from '../protocol/subscriptions';
import { ALL_STATUS, parseTopic } from '../protocol/topic';
import { Connection } from './connection';

declare const self: DedicatedWorkerGlobalScope;

const BATCH_MS = 33;

const post = (message: FromWorker): void => self.postMessage(message);
const text = new TextDecoder();

// -- the batch ------------------------------------------------------------------------------------

const merger = new Merger();
const totals: Totals = { messages: 0, bytes: 0, quotes: 0, merged: 0, faults: 0 };
let quotesSinceBatch = 0;
let shown: (symbol: string) => boolean = () => true;
let taken = true;
let timer: ReturnType<typeof setTimeout> | undefined;

function schedule(): void {
  if (taken && timer === undefined) timer = setTimeout(flush, BATCH_MS);
}

function flush(): void {
  clearTimeout(timer);
  timer = undefined;
  const slices = merger.take();
  if (slices.length === 0) return;
  totals.merged += quotesSinceBatch - slices.length;
  quotesSinceBatch = 0;
  taken = false;
  post({ type: 'batch', slices, quotesSoFar: totals.quotes });
}

// -- totals, twice a second, whether or not the page takes batches ------------------------------------

const TOTALS_MS = 500;
const RATE_SAMPLES = 4; // so the rate is the mean of the last two seconds

const delays = new Delays();
const faultLog = new FaultLog();
const samples: { at: number; messages: number }[] = [];

setInterval(() => {
  const now = { at: performance.now(), messages: totals.messages };
  samples.push(now);
  if (samples.length > RATE_SAMPLES + 1) samples.shift();
  const oldest = samples[0]!;
  const elapsed = now.at - oldest.at;
  const perSecond = elapsed > 0 ? ((now.messages - oldest.messages) * 1000) / elapsed : 0;
  post({ type: 'totals', totals: { ...totals }, perSecond, delay: delays.take(), faults: faultLog.takeNews() });
}, TOTALS_MS);

function fault(topic: string, wrong: readonly string[]): void {
  totals.faults += wrong.length;
  for (const what of wrong) faultLog.add(topic, what);
}

function receive(topic: string, payload: Uint8Array, retained: boolean): void {
  const where = parseTopic(topic);
  totals.messages++;
  totals.bytes += topic.length + payload.byteLength;
  if (where.kind === 'status') {
    const status = parseStatus(where.program, where.instance, text.decode(payload));
    flush(); // the page must not take the ticks from before a will for signs of life after it
    if (status) post({ type: 'status', status });
    else if (payload.byteLength > 0) fault(topic, ['no status']);
    return;
  }
  if (where.kind !== 'quote' || payload.byteLength === 0) return;
  const { quote, wrong } = parseQuote(text.decode(payload), where.symbol);
  if (wrong) fault(topic, wrong);
  if (quote && shown(quote.symbol)) {
    merger.add(quote, retained);
    if (!retained && quote.timestamp !== undefined && quote.mode !== 'replay') delays.add(Date.now() - quote.timestamp);
    totals.quotes++;
    quotesSinceBatch++;
    schedule();
  }
}

// -- what the page says ----------------------------------------------------------------------------

let connection: Connection | undefined;

self.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  switch (data.type) {
    case 'open':
      connection = new Connection(data.url, data.token, ALL_STATUS, new Clock(() => performance.now()), {
        onLink: (link) => post({ type: 'link', link }),
        onMessage: receive,
        onRefused: () => fault('', ['the server refused a subscription']),
      });
      break;
    case 'token':
      connection?.enter(data.token);
      break;
    case 'want':
      shown = filterOf(data.wanted);
      connection?.want(filtersFor(data.wanted));
      break;
    case 'retry':
      connection?.retry();
      break;
    case 'taken':
      taken = true;
      if (merger.size > 0) schedule();
      break;
  }
};

self.addEventListener('online', () => connection?.retry());

/**
 * The network's side of the page: MQTT.js, decoding and merging live in this worker, so that
 * neither a busy market nor a slow page can hold up the other. It posts one batch each BATCH_MS at
 * most, and only after the page has taken the one before: a page that is stopped costs the newest
 * value of each symbol, not a queue.
 */
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { backoffMs } from '../protocol/backoff';
import { Merger } from '../protocol/merge';
import type { FromWorker, Link, ToWorker, Totals, Wanted } from '../protocol/messages';
import { parseQuote } from '../protocol/quote';
import { parseStatus } from '../protocol/status';
import { difference, filterOf, filtersFor } from '../protocol/subscriptions';
import { ALL_STATUS, parseTopic } from '../protocol/topic';

declare const self: DedicatedWorkerGlobalScope;

const BATCH_MS = 33;
const CONNECT_TIMEOUT_MS = 8_000;
const FILTERS_PER_PACKET = 100;
/** A link that held this long was a good one: the next loss starts the back-off from its beginning. */
const GOOD_LINK_MS = 5_000;

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

const samples: { at: number; messages: number }[] = [];

setInterval(() => {
  const now = { at: performance.now(), messages: totals.messages };
  samples.push(now);
  if (samples.length > RATE_SAMPLES + 1) samples.shift();
  const oldest = samples[0]!;
  const elapsed = now.at - oldest.at;
  const perSecond = elapsed > 0 ? ((now.messages - oldest.messages) * 1000) / elapsed : 0;
  post({ type: 'totals', totals: { ...totals }, perSecond });
}, TOTALS_MS);

function receive(topic: string, payload: Uint8Array, retained: boolean): void {
  const where = parseTopic(topic);
  totals.messages++;
  totals.bytes += topic.length + payload.byteLength;
  if (where.kind === 'status') {
    const status = parseStatus(where.program, where.instance, text.decode(payload));
    if (status) post({ type: 'status', status });
    else if (payload.byteLength > 0) totals.faults++;
    return;
  }
  if (where.kind !== 'quote' || payload.byteLength === 0) return;
  const { quote, faults } = parseQuote(text.decode(payload), where.symbol);
  totals.faults += faults;
  if (quote && shown(quote.symbol)) {
    merger.add(quote, retained);
    totals.quotes++;
    quotesSinceBatch++;
    schedule();
  }
}

// -- the link -------------------------------------------------------------------------------------

let url = '';
let client: MqttClient | undefined;
let retryTimer: ReturnType<typeof setTimeout> | undefined;
let attempt = 0;
let connectedAt = 0;
let wanted: Wanted | undefined;
let filters: ReadonlySet<string> = new Set();

const tell = (link: Link): void => post({ type: 'link', link });

function connect(): void {
  clearTimeout(retryTimer);
  retryTimer = undefined;
  drop();
  filters = new Set();
  tell({ phase: 'connecting', attempt });

  const options: IClientOptions = {
    protocolVersion: 5,
    clientId: 'page-' + crypto.getRandomValues(new Uint32Array(2)).join('-'),
    clean: true,
    keepalive: 10,
    connectTimeout: CONNECT_TIMEOUT_MS,
    reconnectPeriod: 0, // we do it ourselves: MQTT.js has no back-off
    resubscribe: false,
    timerVariant: 'native', // a worker's timers are not throttled; no worker from a blob: needed
  };
  let reason = 'no answer from the server';
  const mine = mqtt.connect(url, options);
  client = mine;
  let over = false;
  const lost = (): void => {
    if (over || client !== mine) return;
    over = true;
    down(reason);
  };
  mine.on('connect', () => {
    if (client !== mine) return;
    connectedAt = performance.now();
    tell({ phase: 'connected' });
    mine.subscribe(ALL_STATUS, { qos: 1 });
    subscribe();
  });
  mine.on('message', (topic, payload, packet) => {
    if (client === mine) receive(topic, payload, packet.retain);
  });
  mine.on('error', (error) => {
    reason = error.message || reason;
    lost();
  });
  mine.on('disconnect', (packet) => {
    reason = `the server ended the session (${packet.reasonCode ?? 'no reason'})`;
  });
  mine.on('close', () => {
    if (connectedAt > 0 && reason.startsWith('no answer')) reason = 'the connection was lost';
    lost();
  });
}

function drop(): void {
  const old = client;
  client = undefined;
  old?.end(true);
}

function down(reason: string): void {
  if (connectedAt > 0 && performance.now() - connectedAt > GOOD_LINK_MS) attempt = 0;
  connectedAt = 0;
  drop();
  const retryInMs = backoffMs(attempt);
  attempt++;
  tell({ phase: 'down', attempt, retryInMs, reason });
  retryTimer = setTimeout(connect, retryInMs);
}

function subscribe(): void {
  if (!client?.connected || wanted === undefined) return;
  const next = filtersFor(wanted);
  const { add, remove } = difference(filters, next);
  filters = next;
  shown = filterOf(wanted);
  for (let i = 0; i < add.length; i += FILTERS_PER_PACKET)
    client.subscribe(add.slice(i, i + FILTERS_PER_PACKET), { qos: 0 }, (error) => {
      if (error) totals.faults++;
    });
  for (let i = 0; i < remove.length; i += FILTERS_PER_PACKET)
    client.unsubscribe(remove.slice(i, i + FILTERS_PER_PACKET));
}

self.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  switch (data.type) {
    case 'open':
      url = data.url;
      connect();
      break;
    case 'want':
      wanted = data.wanted;
      subscribe();
      break;
    case 'retry':
      if (retryTimer !== undefined) connect();
      break;
    case 'taken':
      taken = true;
      if (merger.size > 0) schedule();
      break;
  }
};

self.addEventListener('online', () => {
  if (retryTimer !== undefined) connect();
});

/**
 * The MQTT connection: kept up with back-off, watched, subscribed to what is wanted. The only file
 * that knows MQTT.js.
 *
 * Each PING_MS a PINGREQ goes out. Its answer comes behind everything that was sent before it, so it
 * measures how far behind we are. Nothing at all for SILENT_MS: the link is dead. Messages, but no
 * answer for BEHIND_MS: this machine cannot keep up, and what it shows gets older and older; a new
 * session begins with the newest values, so one is opened and the backlog goes with the old one.
 */
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { backoffMs } from '../protocol/backoff';
import type { Clock } from '../protocol/clock';
import type { Link } from '../protocol/messages';
import { difference } from '../protocol/subscriptions';

const CONNECT_TIMEOUT_MS = 8_000;
const PING_MS = 1_000;
const SILENT_MS = 10_000;
const BEHIND_MS = 1_800;
const KEEPALIVE_S = 30; // what the server is told; our own pings come more often
const FILTERS_PER_PACKET = 100;
/** A link that held this long was a good one: the next loss starts the back-off from its beginning. */
const GOOD_LINK_MS = 5_000;

/** What MQTT 5 says when a token is missing, not good, or no longer. */
const LOCKED = new Map([
  [0x86, 'the gateway does not take this token'],
  [0x87, 'the gateway lets nobody in without a token'],
  [0xa0, 'the token has expired'],
]);

export interface ConnectionEvents {
  onLink: (link: Link) => void;
  onMessage: (topic: string, payload: Uint8Array, retained: boolean) => void;
  /** the server did not grant a filter */
  onRefused: () => void;
}

export class Connection {
  private client: MqttClient | undefined;
  private connectedAt = 0; // 0 = not connected
  private told = false; // whether the page believes us to be connected
  private attempt = 0;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private heardAt = 0;
  private pingedAt = 0;
  private isAnswered = true; // that ping
  private wanted: ReadonlySet<string> = new Set();
  private filters: ReadonlySet<string> = new Set();

  /** `constant` is subscribed with QoS 1 in every session, besides what is wanted. */
  constructor(private readonly url: string, private token: string, private readonly constant: string, private readonly clock: Clock, private readonly events: ConnectionEvents) {
    setInterval(() => this.watch(), PING_MS / 4);
    this.connect();
  }

  want(filters: ReadonlySet<string>): void {
    this.wanted = filters;
    this.subscribe();
  }

  /** Come again with this token. */
  enter(token: string): void {
    this.token = token;
    this.connect();
  }

  /** Do not wait for the end of the back-off. */
  retry(): void {
    if (this.retryTimer !== undefined) this.connect();
  }

  private connect(): void {
    clearTimeout(this.retryTimer);
    this.retryTimer = undefined;
    this.drop();
    if (!this.told) this.events.onLink({ phase: 'connecting', attempt: this.attempt });
    const options: IClientOptions = {
      protocolVersion: 5,
      clientId: 'page-' + crypto.getRandomValues(new Uint32Array(2)).join('-'),
      clean: true,
      keepalive: KEEPALIVE_S,
      connectTimeout: CONNECT_TIMEOUT_MS,
      reconnectPeriod: 0, // MQTT.js has no back-off
      resubscribe: false,
      timerVariant: 'native', // a worker's timers are not throttled; no worker from a blob: needed
    };
    if (this.token !== '') Object.assign(options, { username: 'page', password: this.token });
    this.listen(mqtt.connect(this.url, options));
  }

  private listen(client: MqttClient): void {
    this.client = client;
    let reason = 'no answer from the server';
    let code = 0;
    const ifMine = <A extends unknown[]>(then: (...args: A) => void) => (...args: A): void => {
      if (this.client === client) then(...args);
    };
    client.on('connect', ifMine(() => this.connected(client)));
    client.on('message', ifMine((topic, payload, packet) => this.events.onMessage(topic, payload, packet.retain)));
    client.on('packetreceive', ifMine((packet) => {
      this.heardAt = this.clock.now();
      if (packet.cmd === 'pingresp') this.isAnswered = true;
    }));
    client.on('disconnect', ifMine((packet) => { code = packet.reasonCode ?? 0; reason = `the server ended the session (${packet.reasonCode ?? 'no reason'})`; }));
    client.on('error', ifMine((error) => this.down(error.message || reason, 'code' in error ? Number(error.code) : 0)));
    client.on('close', ifMine(() => this.down(this.connectedAt > 0 && reason.startsWith('no answer') ? 'the connection was lost' : reason, code)));
  }

  private connected(client: MqttClient): void {
    this.connectedAt = this.heardAt = this.pingedAt = this.clock.now();
    this.isAnswered = true;
    this.events.onLink({ phase: 'connected', isAfresh: this.told });
    this.told = true;
    client.subscribe(this.constant, { qos: 1 });
    this.subscribe();
  }

  private subscribe(): void {
    const { client } = this;
    if (client === undefined || this.connectedAt === 0) return;
    const { add, remove } = difference(this.filters, this.wanted);
    this.filters = this.wanted;
    for (let i = 0; i < add.length; i += FILTERS_PER_PACKET)
      client.subscribe(add.slice(i, i + FILTERS_PER_PACKET), { qos: 0 }, (error) => {
        if (error && this.client === client) this.events.onRefused();
      });
    for (let i = 0; i < remove.length; i += FILTERS_PER_PACKET) client.unsubscribe(remove.slice(i, i + FILTERS_PER_PACKET));
  }

  private watch(): void {
    if (this.connectedAt === 0) return;
    const now = this.clock.now();
    const sincePing = now - this.pingedAt;
    if (now - this.heardAt > SILENT_MS) this.down('the server fell silent');
    else if (this.isAnswered && sincePing >= PING_MS) this.ping(now);
    else if (!this.isAnswered && sincePing > BEHIND_MS && this.heardAt > this.pingedAt + PING_MS) this.connect();
  }

  private ping(now: number): void {
    this.pingedAt = now;
    this.isAnswered = false;
    this.client?.sendPing();
  }

  private drop(): void {
    const old = this.client;
    this.client = undefined;
    this.filters = new Set();
    this.connectedAt = 0;
    old?.end(true);
  }

  private down(reason: string, code = 0): void {
    if (this.connectedAt > 0 && this.clock.now() - this.connectedAt > GOOD_LINK_MS) this.attempt = 0;
    this.drop();
    this.told = false;
    const retryInMs = backoffMs(this.attempt);
    this.attempt++;
    this.events.onLink({ phase: 'down', attempt: this.attempt, retryInMs, reason: LOCKED.get(code) ?? reason, needsToken: LOCKED.has(code) });
    this.retryTimer = setTimeout(() => this.connect(), retryInMs);
  }
}

// An MQTT client that is not ours (MQTT.js), over TCP or WebSocket, which remembers all it received.

import mqtt from 'mqtt';

import { atEnd } from './scope.mjs';
import { PATIENCE_MS, until } from './until.mjs';

/**
 * Connect to `url` (mqtt:// or ws://…/mqtt) and resolve when CONNACK is there. `options` are MQTT.js's;
 * `subscribe` names filters to subscribe to at once. Refused: rejects with MQTT.js's error.
 */
export async function mqttClient(t, url, { subscribe, ...options } = {}) {
  const client = await mqtt.connectAsync(
    url,
    { reconnectPeriod: 200, connectTimeout: 5000, protocolVersion: 5, ...options },
    false, // do not try again when the first attempt is refused
  );
  atEnd(t, () => client.endAsync(true));
  const reader = new MqttClient(client);
  if (subscribe) await reader.subscribe(subscribe);
  return reader;
}

class MqttClient {
  messages = []; // { topic, payload, text, json, retain, qos, at } in the order of arrival
  latest = new Map(); // topic -> its last message

  constructor(client) {
    this.client = client; // MQTT.js's own, for everything not wrapped here
    client.on('message', (topic, payload, packet) => this.#keep(topic, payload, packet));
    client.on('error', () => {}); // seen as a missing message; MQTT.js reconnects
  }

  /** Returns what was granted: [{ topic, qos }]; a refusal has qos >= 128. */
  subscribe(filters, options) {
    return this.client.subscribeAsync(filters, options);
  }

  unsubscribe(filters) {
    return this.client.unsubscribeAsync(filters);
  }

  publish(topic, payload, options) {
    return this.client.publishAsync(topic, payload, options);
  }

  end() {
    return this.client.endAsync();
  }

  /** Wait until `predicate(this)` is truthy, and return what it answered. */
  until(predicate, timeout = PATIENCE_MS, what = predicate.toString()) {
    return until(() => predicate(this), { timeout, what, detail: () => this.#summary() });
  }

  /** Wait for a message on `topic`, one that came already included. */
  message(topic, timeout = PATIENCE_MS) {
    return this.until(() => this.latest.get(topic), timeout, `a message on ${topic}`);
  }

  #keep(topic, payload, { retain, qos }) {
    const text = payload.toString();
    const message = { topic, payload, text, json: parsed(text), retain, qos, at: performance.now() };
    this.messages.push(message);
    this.latest.set(topic, message);
  }

  #summary() {
    const last = this.messages.slice(-5).map((m) => `  ${m.topic} ${m.text.slice(0, 200)}`);
    return [`${this.messages.length} messages came, the last of them:`, ...last].join('\n');
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

// Everything a test needs to drive the real programs; each part says more in its own file.

export { AlpacaStandIn, snapshot } from './alpaca.mjs';
export { Broker } from './broker.mjs';
export { Authority } from './certificates.mjs';
export { FastClock, JumpyClock } from './fast_clock.mjs';
export { ANSWERS, FinnhubStandIn } from './finnhub.mjs';
export { CA_FILE, FinnhubStream, frameBytes } from './finnhub_stream.mjs';
export { Gateway } from './gateway.mjs';
export { openMarket } from './market.mjs';
export { mqttClient } from './mqtt.mjs';
export { Postgres } from './postgres.mjs';
export { Program, ROOT, binDir } from './program.mjs';
export { Proxy } from './proxy.mjs';
export { Publisher } from './publisher.mjs';
export { Recorder, exportBars, runRecorder } from './recorder.mjs';
export { Relay } from './relay.mjs';
export { atEnd, canListen, freePort, tempDir } from './scope.mjs';
export { STORES, Store, stores } from './stores.mjs';
export { pause, until, within } from './until.mjs';

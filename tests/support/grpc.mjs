// gRPC clients that are not ours: @grpc/grpc-js with the .proto files of the repository.

import path from 'node:path';

import grpc from '@grpc/grpc-js';
import loader from '@grpc/proto-loader';

import { ROOT } from './program.mjs';
import { atEnd } from './scope.mjs';
import { until } from './until.mjs';

export { grpc };

const OPTIONS = { keepCase: true, longs: Number, enums: String, includeDirs: [path.join(ROOT, 'proto')] };
const definitions = grpc.loadPackageDefinition(
  loader.loadSync(
    ['tapecast/v1/stock.proto', 'stock.proto', 'grpc/health/v1/health.proto', 'grpc/reflection/v1/reflection.proto', 'grpc/reflection/v1alpha/reflection.proto'],
    OPTIONS,
  ),
);

/** A client of a service by its full name on `gateway` (with TLS when it has a `ca`), on a connection of its own. */
export function client(t, gateway, service, options = {}) {
  const Service = service.split('.').reduce((at, name) => at[name], definitions);
  const credentials = gateway.ca ? grpc.credentials.createSsl(gateway.ca) : grpc.credentials.createInsecure();
  const made = new Service(`localhost:${gateway.port}`, credentials, { 'grpc.use_local_subchannel_pool': 1, ...options });
  atEnd(t, () => made.close());
  return made;
}

/** Remember what a stream brings: `messages`, and when it has ended `status` ({ code, details }). */
export function watch(t, stream) {
  const watched = { stream, messages: [], status: undefined };
  stream.on('data', (message) => watched.messages.push(message));
  stream.on('error', () => {});
  stream.on('status', (status) => (watched.status = status));
  atEnd(t, () => stream.cancel());
  watched.until = (predicate, what = predicate.toString()) =>
    until(() => predicate(watched), { what, detail: () => JSON.stringify([watched.status, watched.messages.slice(-3)]) });
  watched.ended = async () => (await watched.until((w) => w.status, 'the status')).code;
  return watched;
}

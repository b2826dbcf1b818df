#!/usr/bin/env node
// Quotes over gRPC: quotes.mjs HOST:PORT SYMBOL...   npm install @grpc/grpc-js @grpc/proto-loader

import path from 'node:path';
import { fileURLToPath } from 'node:url';

import grpc from '@grpc/grpc-js';
import loader from '@grpc/proto-loader';

const [address, ...symbols] = process.argv.slice(2);
if (symbols.length === 0) {
  console.error('usage: quotes.mjs HOST:PORT SYMBOL...   such as localhost:8080 AAPL MSFT, or localhost:8080 "*"');
  process.exit(2);
}

const includeDirs = [fileURLToPath(new URL('../../proto', import.meta.url))];
const definition = loader.loadSync(path.join('tapecast', 'v1', 'stock.proto'), { keepCase: true, longs: Number, includeDirs });
const { StockService } = grpc.loadPackageDefinition(definition).tapecast.v1;
const service = new StockService(address, grpc.credentials.createInsecure()); // createSsl(ca) where it has a certificate

/* The gateway ends a stream with UNAVAILABLE when it is restarted: call again. */
function read() {
  const quotes = service.StreamQuotes({ symbols });
  quotes.on('data', ({ symbol, exact_price: price, removed }) => console.log(symbol, removed ? 'removed' : price));
  quotes.on('error', (error) => {
    if (error.code === grpc.status.UNAVAILABLE) {
      setTimeout(read, 1000);
      return;
    }
    console.error(error.details);
    process.exitCode = 1;
    service.close();
  });
}

read();

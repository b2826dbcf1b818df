#!/usr/bin/env node
// Prices as Server-Sent Events, with nothing but Node 18 or later:
//   node events.mjs AAPL MSFT            (GATEWAY=http://127.0.0.1:8080)
// Goes on where it was when the connection is lost.

const gateway = process.env.GATEWAY ?? 'http://127.0.0.1:8080';
const symbols = process.argv.slice(2).map(encodeURIComponent).join() || '*';
let lastId;
let retry = 2000;

function onEvent({ event, data }) {
  if (event === 'quote') {
    const { symbol, price, change = '' } = JSON.parse(data);
    console.log(symbol, price, change);
  } else console.log(`(${event})`, data); // removed: {symbol}; reset: everything follows anew
}

async function read() {
  const answer = await fetch(`${gateway}/events?symbols=${symbols}`, { headers: lastId ? { 'Last-Event-ID': lastId } : {} });
  if (!answer.ok) throw Object.assign(new Error((await answer.json()).detail), { final: answer.status < 500 });
  let text = '';
  for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) {
    const blocks = (text + chunk).split('\n\n');
    text = blocks.pop();
    for (const block of blocks) {
      const fields = Object.fromEntries(block.split('\n').map((line) => line.match(/^(\w*): ?(.*)$/)?.slice(1) ?? []));
      if (fields.retry) retry = Number(fields.retry);
      if (fields.id) lastId = fields.id;
      if (fields.data) onEvent(fields);
    }
  }
}

for (;;) {
  await read().catch((error) => {
    console.error(error.cause?.message ?? error.message);
    if (error.final) process.exit(1);
  });
  await new Promise((resolve) => setTimeout(resolve, retry));
}

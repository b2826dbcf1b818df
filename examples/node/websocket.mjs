#!/usr/bin/env node
// Prices over the JSON WebSocket. Node 22 or later has one built in; before that: npm install ws
//   node websocket.mjs AAPL MSFT         (GATEWAY=ws://127.0.0.1:8080)

const WebSocket = globalThis.WebSocket ?? (await import('ws')).WebSocket;
const gateway = process.env.GATEWAY ?? 'ws://127.0.0.1:8080';
const symbols = process.argv.length > 2 ? process.argv.slice(2) : ['*'];

function connect() {
  const socket = new WebSocket(`${gateway}/ws`);
  socket.onopen = () => socket.send(JSON.stringify({ action: 'subscribe', symbols }));
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    if (message.type === 'error') console.error(message.code, message.message, ...(message.symbols ?? []));
    else if (message.type === undefined) console.log(message.ticker, message.price, message.change ?? '');
  };
  socket.onerror = () => {}; // onclose follows
  socket.onclose = () => setTimeout(connect, 1000 + Math.random() * 2000);
}

connect();

// An HTTP proxy as companies have them: CONNECT opens a tunnel, anything else is refused.

import http from 'node:http';
import net from 'node:net';

import { atEnd } from './scope.mjs';

export class Proxy {
  tunnels = []; // "host:port" of each

  static async start(t) {
    const proxy = new Proxy();
    const sockets = new Set();
    const server = http.createServer((request, response) => response.writeHead(405).end());
    server.on('connection', (socket) => sockets.add(socket));
    server.on('connect', (request, socket) => {
      proxy.tunnels.push(request.url);
      const [host, port] = request.url.split(':');
      const target = net.connect(Number(port), host, () => {
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
        socket.pipe(target).pipe(socket);
      });
      for (const end of [socket, target]) {
        sockets.add(end);
        end.on('error', () => {});
      }
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    proxy.url = `http://127.0.0.1:${server.address().port}`;
    atEnd(t, () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(resolve));
    });
    return proxy;
  }
}

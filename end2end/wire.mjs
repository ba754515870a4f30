// The wire between a browser and the portal, as a program: it forwards everything, counts the streams that are open, and
// can be cut. A browser's own "offline" switch does not reach shared workers, and the live stream lives in one.
import { createServer, request } from 'node:http';

export class Wire {
  /** Lays a wire to the portal at `port`; `wire.port` is the end for the browser. */
  static async lay(port) {
    const wire = Object.assign(new Wire(), { live: 0, most: 0, asked: 0, broken: false, sockets: new Set() });
    wire.server = createServer((from, to) => {
      const forward = request({ host: '127.0.0.1', port, method: from.method, path: from.url, headers: from.headers }, (answer) => {
        to.writeHead(answer.statusCode, answer.rawHeaders);
        answer.pipe(to);
      });
      if (from.url.startsWith('/live')) wire.#count(to);
      forward.on('error', () => to.destroy());
      to.on('close', () => forward.destroy());
      from.pipe(forward);
    });
    wire.server.on('connection', (socket) => {
      if (wire.broken) return void socket.destroy();
      wire.sockets.add(socket);
      socket.on('close', () => wire.sockets.delete(socket));
    });
    await new Promise((resolve) => wire.server.listen(0, '127.0.0.1', resolve));
    wire.port = wire.server.address().port;
    return wire;
  }

  #count(to) {
    this.asked += 1;
    this.live += 1;
    this.most = Math.max(this.most, this.live);
    to.on('close', () => (this.live -= 1));
  }

  /** Cuts every connection, and every new one until `mend`. */
  cut() {
    this.broken = true;
    for (const socket of this.sockets) socket.destroy();
  }

  mend() {
    this.broken = false;
  }

  async close() {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

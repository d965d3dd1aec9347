// One HTTP proxy in front of the server that misbehaves on demand, the same for all three engines.
//
// The browser only ever knows the proxy's address, so that cutting the network, killing the server or putting another
// server in its place never changes the page's origin.
import http from 'node:http';

/**
 * @typedef {object} Fault
 * @property {RegExp} route what the request's "METHOD /path" must match
 * @property {number} [times] how often it strikes; once if absent, `Infinity` for always
 * @property {'cut' | 'drop' | 'delay' | 'repeat' | 'answer' | 'truncate' | 'shorten' | 'call' | 'rewrite'} kind
 * @property {number} [whole] how many bytes the body had that it struck
 *   cut: the connection ends before the server saw anything;
 *   drop: the server answers and has committed, and the answer is lost;
 *   delay: the request waits until `release` settles;
 *   repeat: the server gets the request twice, the page gets the second answer;
 *   answer: the page gets `status`, `headers` and `body`, the server gets nothing;
 *   truncate: the answer ends after `bytes` bytes, whatever its length said;
 *   shorten: the answer is the first `bytes` bytes, and says that this is all;
 *   call: `run` is called when the server has answered, before the answer goes on; then the answer is lost;
 *   rewrite: the page gets what `rewrite` makes of the answer's JSON
 * @property {number} [status]
 * @property {Record<string, string>} [headers]
 * @property {string} [body]
 * @property {number} [bytes]
 * @property {Promise<void>} [release]
 * @property {() => unknown} [run]
 * @property {(answer: any) => unknown} [rewrite]
 */

/** What a hotel's network answers to everything, with status 200. */
export const LOGIN_PAGE = '<!doctype html><title>Gratis nett</title><h1>Logg inn</h1><form><input name="room"></form>';

/** Headers that belong to one connection and are never passed on. */
const HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'te', 'trailer', 'proxy-connection']);

export class Proxy {
  /** @type {Fault[]} */ #faults = [];
  /** @type {Set<import('node:net').Socket>} */ #sockets = new Set();
  /** @type {http.Server | null} */ #server = null;
  #port = 0;
  /** "METHOD /path" of all requests that reached the proxy, with the status (0: none) and the bytes that the page got. */
  log = /** @type {{ route: string, status: number, bytes: number, encoding: string, fault?: string }[]} */ ([]);

  /** @param {string} upstream the server's origin; may be changed while the proxy runs */
  constructor(upstream) {
    this.upstream = upstream;
  }

  /** The only origin that the browser knows. */
  get origin() {
    return `http://127.0.0.1:${this.#port}`;
  }

  get port() {
    return this.#port;
  }

  /** Opens the network; on a port of its own the first time, on the same one ever after. */
  async open() {
    if (this.#server) return this;
    const server = http.createServer({ keepAlive: true }, (request, answer) => void this.#pass(request, answer));
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    await new Promise((done, failed) => {
      server.once('error', failed);
      server.listen(this.#port, '127.0.0.1', () => done(undefined));
    });
    this.#port = /** @type {import('node:net').AddressInfo} */ (server.address()).port;
    this.#server = server;
    return this;
  }

  /** Cuts the network: what is under way is broken off, and nothing new connects. */
  async cut() {
    const server = this.#server;
    if (!server) return;
    this.#server = null;
    const closed = new Promise((done) => server.close(done));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** Programs a fault. The first that matches a request strikes. @param {Fault} fault */
  strike(fault) {
    this.#faults.push({ ...fault, times: fault.times ?? 1 });
    return this;
  }

  /** Forgets all faults that have not struck. */
  heal() {
    this.#faults = [];
  }

  /** How many faults are still to strike. */
  get pending() {
    return this.#faults.length;
  }

  /** How many requests matched. @param {RegExp} route */
  count(route) {
    return this.log.filter((entry) => route.test(entry.route)).length;
  }

  /** @param {string} route @returns {Fault | undefined} */
  #take(route) {
    const fault = this.#faults.find((one) => one.route.test(route));
    if (!fault) return undefined;
    fault.times = (fault.times ?? 1) - 1;
    if (fault.times <= 0) this.#faults = this.#faults.filter((one) => one !== fault);
    return fault;
  }

  /** @param {http.IncomingMessage} request @param {http.ServerResponse} answer */
  async #pass(request, answer) {
    const route = `${request.method} ${request.url}`;
    const entry = { route, status: 0, bytes: 0, encoding: '', fault: /** @type {string | undefined} */ (undefined) };
    this.log.push(entry);
    try {
      const body = await readAll(request);
      const fault = this.#take(route);
      entry.fault = fault?.kind;
      if (fault?.kind === 'cut') return void request.socket.destroy();
      if (fault?.kind === 'answer') {
        entry.status = fault.status ?? 200;
        answer.writeHead(entry.status, { 'content-type': 'text/html; charset=utf-8', ...fault.headers });
        return void answer.end(fault.body ?? '');
      }
      if (fault?.kind === 'delay') await fault.release;
      if (fault?.kind === 'repeat') await this.#ask(request, body);
      if (fault?.kind === 'rewrite') delete request.headers['accept-encoding'];
      const reply = await this.#ask(request, body);
      if (fault?.kind === 'rewrite' && reply.status === 200) {
        reply.body = Buffer.from(JSON.stringify(fault.rewrite?.(JSON.parse(reply.body.toString()))));
        reply.headers['content-length'] = String(reply.body.length);
      }
      if (fault?.kind === 'call') await fault.run?.();
      if (fault?.kind === 'drop' || fault?.kind === 'call') return void request.socket.destroy();
      entry.status = reply.status;
      entry.encoding = String(reply.headers['content-encoding'] ?? '');
      entry.bytes = reply.body.length + Object.entries(reply.headers).reduce((sum, [key, value]) => sum + key.length + String(value).length + 4, 19);
      if (fault) fault.whole = reply.body.length;
      if (fault?.kind === 'shorten') {
        const body = reply.body.subarray(0, fault.bytes ?? 0);
        answer.writeHead(reply.status, { ...reply.headers, 'content-length': String(body.length) });
        return void answer.end(body);
      }
      answer.writeHead(reply.status, reply.headers);
      if (fault?.kind === 'truncate') {
        answer.write(reply.body.subarray(0, fault.bytes ?? 0), () => request.socket.destroy());
        return;
      }
      answer.end(reply.body);
    } catch {
      // The server is gone: the browser must see a broken connection, not an answer of ours.
      request.socket.destroy();
    }
  }

  /**
   * @param {http.IncomingMessage} request @param {Buffer} body
   * @returns {Promise<{ status: number, headers: http.OutgoingHttpHeaders, body: Buffer }>}
   */
  #ask(request, body) {
    const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !HOP.has(name)));
    return new Promise((done, failed) => {
      const onward = http.request(this.upstream + request.url, { method: request.method, headers, agent: false }, (reply) => {
        readAll(reply).then((bytes) => {
          const kept = Object.fromEntries(Object.entries(reply.headers).filter(([name]) => !HOP.has(name)));
          // A HEAD or 304 answer keeps the length it was given; all others get the true one.
          if (request.method !== 'HEAD' && reply.statusCode !== 304) kept['content-length'] = String(bytes.length);
          done({ status: reply.statusCode ?? 502, headers: kept, body: bytes });
        }, failed);
      });
      onward.on('error', failed);
      onward.end(body);
    });
  }
}

/** @param {import('node:stream').Readable} stream @returns {Promise<Buffer>} */
function readAll(stream) {
  return new Promise((done, failed) => {
    const parts = /** @type {Buffer[]} */ ([]);
    stream.on('data', (part) => parts.push(part));
    stream.on('end', () => done(Buffer.concat(parts)));
    stream.on('error', failed);
    stream.on('aborted', () => failed(new Error('broken off')));
  });
}

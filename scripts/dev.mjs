// Watches the sources, builds what changed, restarts the server behind a small proxy, and reloads open pages.
// The proxy adds one script to each page and drops the content security policy; nothing of this is in the product.
// (The service worker refuses a page that was changed so, hence every reload shows what was just built.)
//   DORBANK_DEV_PORT=8090 DORBANK_DATA=data-dev scripts/dev
import { spawn } from 'node:child_process';
import { existsSync, watch } from 'node:fs';
import http from 'node:http';
import { once } from 'node:events';

const PUBLIC = Number(process.env.DORBANK_DEV_PORT ?? 8080);
const INNER = Number(process.env.DORBANK_DEV_INNER_PORT ?? PUBLIC + 1);
const data = process.env.DORBANK_DATA ?? 'data-dev';
const target = process.env.CARGO_TARGET_DIR ?? 'target';
const listeners = new Set();
let server;

const say = (words) => console.log(`\x1b[1m==> ${words}\x1b[0m`);

/** Runs a command without holding up the pages that are open meanwhile. */
async function run(command, args, env = {}) {
  const [code] = await once(spawn(command, args, { stdio: 'inherit', env: { ...process.env, ...env } }), 'close');
  return code === 0;
}

async function build(what) {
  if (what.has('server') && !(await run('cargo', ['build', '--quiet', '-p', 'dorbank-server']))) return false;
  return !what.has('site') || run('scripts/build', ['site'], { DORBANK_PROFILE: 'dev' });
}

async function stop() {
  if (!server || server.exitCode !== null || server.signalCode !== null) return;
  const gone = once(server, 'close');
  server.kill();
  // What has begun may take long to finish; nobody waits for that while writing code.
  const patience = setTimeout(() => server.kill('SIGKILL'), 2000);
  await gone;
  clearTimeout(patience);
}

async function ready() {
  for (;;) {
    if (server.exitCode !== null || server.signalCode !== null) return false;
    const answers = await fetch(`http://127.0.0.1:${INNER}/readyz`).then((answer) => answer.ok, () => false);
    if (answers) return true;
    await new Promise((done) => setTimeout(done, 100));
  }
}

async function start() {
  const env = { ...process.env, DATABASE_URL: `sqlite:${data}/dorbank.db`, DORBANK_DATA: data, DORBANK_SITE: `${target}/site` };
  const verb = existsSync(`${data}/dorbank.db`) ? ['serve'] : ['demo', '--serve'];
  server = spawn(`${target}/debug/dorbank`, [...verb, '--listen', `127.0.0.1:${INNER}`, '--public-url', `http://127.0.0.1:${PUBLIC}`], { stdio: 'inherit', env });
  return ready();
}

const SCRIPT = "new EventSource('/__dev/events').onmessage = () => location.reload();";
const proxy = http.createServer((request, response) => {
  if (request.url === '/__dev/reload.js') return response.writeHead(200, { 'content-type': 'text/javascript' }).end(SCRIPT);
  if (request.url === '/__dev/events') {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.flushHeaders();
    listeners.add(response);
    return request.on('close', () => listeners.delete(response));
  }
  const headers = { ...request.headers, 'accept-encoding': 'identity' };
  const inner = http.request({ port: INNER, host: '127.0.0.1', path: request.url, method: request.method, headers, agent: false }, (answer) => {
    const page = (answer.headers['content-type'] ?? '').startsWith('text/html');
    if (!page) {
      response.writeHead(answer.statusCode, answer.headers);
      return answer.pipe(response);
    }
    const { 'content-length': _length, 'content-security-policy': _policy, ...rest } = answer.headers;
    response.writeHead(answer.statusCode, rest);
    answer.pipe(response, { end: false });
    answer.on('end', () => response.end('<script src="/__dev/reload.js"></script>'));
  });
  inner.on('error', () => {
    if (response.headersSent) return response.destroy();
    // A page that was asked for in between comes by itself when there is something to show.
    response.writeHead(503, { 'retry-after': '1', 'content-type': 'text/html; charset=utf-8' });
    response.end('<p>The server is being built or restarted.</p><script src="/__dev/reload.js"></script>');
  });
  request.pipe(inner);
});
proxy.on('error', (error) => {
  console.error(error.code === 'EADDRINUSE' ? `dorbank: port ${PUBLIC} is taken; name another: DORBANK_DEV_PORT=8090 make dev` : `dorbank: ${error.message}`);
  process.exit(1);
});
proxy.listen(PUBLIC, '127.0.0.1', () => say(`http://127.0.0.1:${PUBLIC} once built; the first time takes some minutes`));

let changed = new Set(['server', 'site']);
let working = false;
async function work() {
  if (working) return;
  working = true;
  while (changed.size > 0) {
    const now = changed;
    changed = new Set();
    if (!(await build(now))) {
      say('That did not build; the last one that did is still served.');
      continue;
    }
    await stop();
    if (await start()) {
      say('Reloaded.');
      listeners.forEach((listener) => listener.write('data: reload\n\n'));
    } else {
      say('The server did not start; see above.');
    }
  }
  working = false;
}

let timer;
function onChange(part) {
  for (const one of part) changed.add(one);
  clearTimeout(timer);
  // An editor writes a file in several steps.
  timer = setTimeout(work, 200);
}
for (const [folder, part] of Object.entries({ app: ['site', 'server'], shared: ['site', 'server'], locales: ['site', 'server'], public: ['site'], server: ['server'], migrations: ['server'] })) {
  watch(folder, { recursive: true }, () => onChange(part));
}
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, async () => {
    await stop();
    process.exit(0);
  });
}
work();

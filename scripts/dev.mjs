// Watches the sources, builds what changed, restarts the server behind a small proxy, and reloads open pages.
// The proxy adds one script to each page and drops the content security policy; nothing of this is in the product.
// (The service worker refuses a page that was changed so, hence every reload shows what was just built.)
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, watch } from 'node:fs';
import http from 'node:http';

const PUBLIC = 8080;
const INNER = 8081;
const data = process.env.DORBANK_DATA ?? 'data-dev';
const listeners = new Set();
let server;

const run = (command, args, env = {}) => spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, ...env } }).status === 0;
const build = (what) => {
  if (what.has('server') && !run('cargo', ['build', '-p', 'dorbank-server'])) return false;
  return !what.has('site') || run('scripts/build', ['site'], { DORBANK_PROFILE: 'dev' });
};

function start() {
  const env = { ...process.env, DATABASE_URL: `sqlite:${data}/dorbank.db`, DORBANK_DATA: data, DORBANK_SITE: 'target/site' };
  const verb = existsSync(`${data}/dorbank.db`) ? ['serve'] : ['demo', '--serve'];
  server = spawn('target/debug/dorbank', [...verb, '--listen', `127.0.0.1:${INNER}`, '--public-url', `http://127.0.0.1:${PUBLIC}`], { stdio: 'inherit', env });
}

const SCRIPT = "new EventSource('/__dev/events').onmessage = () => location.reload();";
http
  .createServer((request, response) => {
    if (request.url === '/__dev/reload.js') return response.writeHead(200, { 'content-type': 'text/javascript' }).end(SCRIPT);
    if (request.url === '/__dev/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      listeners.add(response);
      return request.on('close', () => listeners.delete(response));
    }
    const headers = { ...request.headers, 'accept-encoding': 'identity' };
    const inner = http.request({ port: INNER, host: '127.0.0.1', path: request.url, method: request.method, headers }, (answer) => {
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
    inner.on('error', () => response.writeHead(503, { 'retry-after': '1' }).end('The server is being rebuilt.'));
    request.pipe(inner);
  })
  .listen(PUBLIC, '127.0.0.1', () => console.log(`http://127.0.0.1:${PUBLIC} once built`));

const changed = new Set();
let timer;
function onChange(part) {
  for (const one of part) changed.add(one);
  clearTimeout(timer);
  timer = setTimeout(() => {
    const now = new Set(changed);
    changed.clear();
    if (!build(now)) return console.log('That did not build; the last one that did is still served.');
    server?.kill();
    start();
    setTimeout(() => listeners.forEach((listener) => listener.write('data: reload\n\n')), 700);
  }, 200);
}
for (const [folder, part] of Object.entries({ app: ['site', 'server'], shared: ['site', 'server'], locales: ['site', 'server'], public: ['site'], server: ['server'], migrations: ['server'] })) {
  watch(folder, { recursive: true }, () => onChange(part));
}
if (build(new Set(['server', 'site']))) start();

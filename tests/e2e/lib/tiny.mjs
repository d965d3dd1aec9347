// A tiny site with a shell cached by a service worker and a strict IndexedDB write. It proves that an engine can be
// driven through what the app needs, apart from the app.
import http from 'node:http';

const CSP = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'";
const FILES = {
  '/field/': ['text/html', '<!doctype html><html lang="nb"><meta charset="utf-8"><title>Prøve</title><meta name="viewport" content="width=device-width"><main><label for="w">Setning</label><input id="w"><button id="save">Lagre</button><label><input type="checkbox" id="c"> Skole</label><p role="status" id="s">Starter</p></main><script src="/boot.js"></script>'],
  '/boot.js': ['text/javascript', `
    const say = (text) => { document.querySelector('#s').textContent = text; };
    const db = new Promise((done, failed) => {
      const request = indexedDB.open('prove', 1);
      request.onupgradeneeded = () => request.result.createObjectStore('outbox', { autoIncrement: true });
      request.onsuccess = () => done(request.result);
      request.onerror = () => failed(request.error);
    });
    const count = async () => new Promise(async (done) => {
      const request = (await db).transaction('outbox').objectStore('outbox').count();
      request.onsuccess = () => done(request.result);
    });
    document.querySelector('#save').onclick = async () => {
      const tx = (await db).transaction('outbox', 'readwrite', { durability: 'strict' });
      tx.objectStore('outbox').add({ words: document.querySelector('#w').value });
      tx.oncomplete = async () => say('Lagret ' + await count());
    };
    navigator.serviceWorker.register('/field/sw.js', { scope: '/field/' }).then(() => navigator.serviceWorker.ready).then(async () => say('Klar ' + await count()), (error) => say('Feil ' + error));`],
  '/field/sw.js': ['text/javascript', `
    oninstall = (event) => event.waitUntil(caches.open('v1').then((cache) => cache.addAll(['/field/', '/boot.js'])));
    onactivate = (event) => event.waitUntil(clients.claim());
    onfetch = (event) => {
      const url = new URL(event.request.url);
      if (event.request.method !== 'GET') return;
      event.respondWith(caches.match(event.request.mode === 'navigate' ? '/field/' : url.pathname).then((hit) => hit ?? fetch(event.request)));
    };`],
};

/** @returns {Promise<{ origin: string, close: () => Promise<void> }>} */
export async function tinySite() {
  const server = http.createServer((request, answer) => {
    const file = FILES[/** @type {keyof typeof FILES} */ (request.url ?? '')];
    if (!file) return void answer.writeHead(404).end();
    answer.writeHead(200, { 'content-type': `${file[0]}; charset=utf-8`, 'content-security-policy': CSP, 'cache-control': 'no-cache' }).end(file[1]);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', () => done(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return { origin: `http://127.0.0.1:${port}`, close: () => new Promise((done) => server.close(() => done())) };
}

// The service worker of the field app. It keeps one build of the shell, whole and checked, and answers from it. It never
// sees what was recorded: it does not touch IndexedDB, and it ignores everything that is not a GET of its own list.

const BUILD = "{{build}}";
const FILES = {{precache}};
const CACHE = `app-${BUILD}`;
const SHELL = "/field/";
const LISTED = new Map(FILES.map((file) => [file.url, file.sha256]));

const digest = async (bytes) =>
  Array.from(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)), (byte) => byte.toString(16).padStart(2, "0")).join("");

// A copy whose body is already decoded, so that the headers must not say otherwise. The others (content type, content
// security policy) must stay.
const copy = (answer, bytes) => {
  const headers = new Headers(answer.headers);
  for (const name of ["content-encoding", "content-length", "transfer-encoding"]) headers.delete(name);
  return new Response(bytes, { status: 200, headers });
};

// Fetches one file and refuses any other bytes than the listed ones: a login page, a cut download, an older build. The
// browser's own cache may answer first (the page has just loaded the same files); if it is wrong, the network is asked.
const fetched = async (file) => {
  for (const cache of ["default", "reload"]) {
    const answer = await fetch(file.url, { cache, credentials: "same-origin" });
    if (!answer.ok) continue;
    const bytes = await answer.arrayBuffer();
    if ((await digest(bytes)) === file.sha256) return copy(answer, bytes);
  }
  throw new Error(`not as listed: ${file.url}`);
};

// All or nothing: everything is in hand and checked before anything is put in the cache.
const install = async () => {
  const answers = await Promise.all(FILES.map(fetched));
  const cache = await caches.open(CACHE);
  await Promise.all(FILES.map((file, index) => cache.put(file.url, answers[index])));
};

const activate = async () => {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith("app-") && name !== CACHE).map((name) => caches.delete(name)));
  await self.clients.claim();
};

const held = async (url) => (await caches.open(CACHE)).match(url);

// Whether a start without a network would find everything, byte for byte.
const check = async () => {
  for (const [url, sha256] of LISTED) {
    const answer = await held(url);
    if (!answer || (await digest(await answer.arrayBuffer())) !== sha256) return false;
  }
  return true;
};

// A browser short of space may have thrown the cache away. Then the network is asked, and the cache is filled again.
const answer = async (request, url) => {
  const found = await held(url);
  if (found) return found;
  const fresh = await fetch(request);
  install().catch(() => {});
  return fresh;
};

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (request.mode === "navigate") {
    if (url.pathname.startsWith(SHELL)) event.respondWith(answer(request, SHELL));
    return;
  }
  if (LISTED.has(url.pathname) && url.pathname !== SHELL) event.respondWith(answer(request, url.pathname));
});

self.addEventListener("message", (event) => {
  // The page asks only when no form is open; the worker never takes over by itself.
  if (event.data === "take-over") self.skipWaiting();
  if (event.data === "check") event.waitUntil(check().then((whole) => event.ports[0]?.postMessage(whole)));
});

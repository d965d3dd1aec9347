// Starts the field app from the cached shell: language and theme before the first paint, then words and wasm side by
// side, then the service worker. What only the browser can do (locks, the worker's messages) is offered to the wasm
// as `dorbank`.
(() => {
  const { build, js, wasm, ...words } = document.getElementById("boot").dataset;
  const page = document.documentElement;

  const remembered = (name) => {
    try {
      return localStorage.getItem(name);
    } catch {
      return null; // Storage may be switched off; then the phone's own choice stands.
    }
  };

  const language = () => {
    for (const wish of [remembered("language"), ...navigator.languages, "nb"]) {
      const short = (wish ?? "").slice(0, 2).toLowerCase().replace("no", "nb");
      if (words[short]) return short;
    }
    return "nb";
  };

  page.lang = language();
  if (remembered("theme")) page.dataset.theme = remembered("theme");

  const text = async (address) => {
    const answer = await fetch(address);
    if (!answer.ok) throw new Error("words");
    return answer.text();
  };

  const download = (name, file) => {
    const address = URL.createObjectURL(new Blob([file], { type: "application/json" }));
    Object.assign(document.createElement("a"), { href: address, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 60_000); // Some browsers begin to read only after the tap has ended.
  };

  // What storage holds unsent, as the file that the organiser's screen takes in (shared/src/sync/file.rs). Whatever version
  // it has: nothing is written.
  const unsent = () =>
    new Promise((answer) => {
      const asked = indexedDB.open("dorbank-outbox");
      asked.onupgradeneeded = () => asked.transaction.abort();
      asked.onsuccess = () => {
        const reading = asked.result.transaction(["entry", "meta"]);
        const [entries, identity, shelf] = [
          reading.objectStore("entry").getAll(),
          ...["identity", "shelf"].map((name) => reading.objectStore("meta").get(name)),
        ];
        asked.result.close(); // It ends when what was asked for is read, and then blocks nobody.
        reading.oncomplete = () => {
          // A record that cannot be read stays where it is and keeps back no other.
          const read = (text) => {
            try {
              return JSON.parse(text);
            } catch {
              return null;
            }
          };
          const waiting = (kept) => kept.filter((one) => one && !one.status).map(({ envelope }) => envelope);
          const earlier = (read(shelf.result) ?? []).map((one) => ({ device: one.identity.device, unsent: waiting(one.entries) }));
          const file = { dorbank: 1, device: read(identity.result)?.device ?? null, unsent: waiting(entries.result.map(read)), earlier };
          if ([file, ...earlier].some((one) => one.unsent.length)) answer(JSON.stringify(file));
        };
      };
    });

  // Nothing that was saved depends on the wasm, and the words say so: they are part of the shell itself.
  const fail = () => {
    document.getElementById("skeleton")?.remove();
    document.getElementById("app").hidden = true;
    document.getElementById("failed").hidden = false;
    unsent().then(
      (file) => {
        const keep = document.getElementById("keep");
        keep.hidden = false;
        keep.onclick = () => download("dorbank.json", file);
      },
      () => {}, // Storage is refused: then nothing was saved.
    );
  };

  let registration = null;
  let asked = false;
  const tell = (name) => dispatchEvent(new Event(`dorbank-${name}`));

  const watch = (worker) => worker?.addEventListener("statechange", () => worker.state === "activated" && tell("shell"));

  const register = async () => {
    if (!("serviceWorker" in navigator)) return;
    try {
      registration = await navigator.serviceWorker.register("/field/sw.js", { scope: "/field/", updateViaCache: "none" });
      watch(registration.installing);
      registration.addEventListener("updatefound", () => watch(registration.installing));
      navigator.serviceWorker.addEventListener("controllerchange", () => asked && location.reload());
      if (registration.waiting) tell("update");
    } catch {
      tell("shell"); // Without a network the registration fails and the worker of the last visit stands.
    }
  };

  // An installed app may stay open for days; it looks for a newer one at most once an hour, when it comes to the front.
  let looked = Date.now();
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState !== "visible" || Date.now() - looked < 3_600_000) return;
    looked = Date.now();
    registration?.update().catch(() => {});
  });

  globalThis.dorbank = {
    build,
    fail,
    download,
    words: (code) => text(words[code] ?? words.nb),
    updateWaiting: () => Boolean(registration?.waiting && navigator.serviceWorker.controller),
    // Only called when no form is open.
    takeOver: () => {
      asked = true;
      registration?.waiting?.postMessage("take-over");
    },
    // Whether every file of the shell is held and has the bytes that its hash names. The worker looks.
    shellHeld: () =>
      new Promise((answer) => {
        const worker = navigator.serviceWorker?.controller ?? registration?.active;
        if (!worker) return answer(false);
        const channel = new MessageChannel();
        channel.port1.onmessage = (event) => answer(event.data === true);
        setTimeout(() => answer(false), 5000);
        worker.postMessage("check", [channel.port2]);
      }),
    // Runs `work` while no other tab does; answers false when one does. A browser without locks just runs it: the
    // server takes every entry once, the lock only saves traffic.
    alone: (name, work) =>
      navigator.locks ? navigator.locks.request(name, { ifAvailable: true }, async (lock) => (lock ? (await work(), true) : false)) : work().then(() => true),
  };

  const start = async () => {
    try {
      const first = text(words[page.lang]);
      const module = await import(js);
      await module.default({ module_or_path: wasm });
      module.mount(await first);
    } catch (fault) {
      console.error(fault);
      fail();
    }
    register();
  };

  if (document.readyState === "loading") addEventListener("DOMContentLoaded", start);
  else start();
})();

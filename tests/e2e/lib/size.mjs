// The bytes of a first visit: everything that a phone fetches until it could work offline.
import { ChromiumPage } from './engines/chromium.mjs';

/** At most so many bytes, all files counted. */
export const BAR = 300_000;

/**
 * @param {import('./server.mjs').Server} server
 * @returns {Promise<{ total: number, page: number, files: { route: string, bytes: number, encoding: string }[] }>}
 *   `total` is what crossed the wire, headers included and the service worker's own fetches too; `page` is what the
 *   browser itself counted for the page (`Network.loadingFinished`)
 */
export async function firstVisit(server) {
  const page = await ChromiumPage.open();
  try {
    const protocol = await page.protocol();
    let counted = 0;
    protocol.on('Network.loadingFinished', (event) => { counted += event.encodedDataLength; });
    await protocol.send('Network.enable');
    const from = server.proxy.log.length;
    await page.goto(`${server.origin}/field/`);
    await page.waitFor('the shell to be held', () => globalThis.dorbank?.shellHeld?.(), undefined, { patience: 30_000 });
    const files = server.proxy.log.slice(from).map(({ route, bytes, encoding }) => ({ route, bytes, encoding }));
    return { total: files.reduce((sum, file) => sum + file.bytes, 0), page: counted, files };
  } finally {
    await page.close();
  }
}

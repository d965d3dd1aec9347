// The size gate: what a first visit to the field app transfers, as the wire and the browser count it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Server } from './lib/server.mjs';
import { BAR, firstVisit } from './lib/size.mjs';

test(`a first visit transfers at most ${BAR / 1000} KB`, { timeout: 60_000 }, async (t) => {
  const server = await Server.start();
  try {
    const { total, page, files } = await firstVisit(server);
    t.diagnostic(`${total} bytes in ${files.length} requests; the page itself ${page}`);
    const listing = files.map((file) => `${file.bytes}\t${file.encoding}\t${file.route}`).join('\n');
    for (const file of files) if (/ \/assets\/.*\.(wasm|js|css|json)$/.test(file.route)) assert.equal(file.encoding, 'br', `${file.route} came without brotli`);
    assert.ok(total <= BAR, `${total} bytes:\n${listing}`);
    assert.ok(page <= BAR, `${page} bytes by the browser's count`);
  } finally {
    await server.stop();
  }
});

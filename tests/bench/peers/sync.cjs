// Loaded into pouchdb-server before it starts: every batch that LevelDB writes waits for the disk, as a server must that
// says "stored" to a phone. PouchDB has no setting for it.
const { createRequire } = require('node:module');
const LevelDOWN = createRequire(`${process.cwd()}/node_modules/x.js`)('leveldown');
const write = LevelDOWN.prototype._batch;
LevelDOWN.prototype._batch = function batch(operations, options, done) {
  return write.call(this, operations, { ...options, sync: true }, done);
};

-- A shift's board asks which visits its phones noted. Those of earlier days no longer say which phone noted them, so that
-- this stays small whatever is stored.
CREATE INDEX visit_device ON visit (device) WHERE device IS NOT NULL;

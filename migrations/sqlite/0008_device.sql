-- A phone that joined a shift. It has no name: `sign` ("K7") is shown on the phone and in the lead's list.
-- `tickets` counts how many tickets it drew, never which.
CREATE TABLE device (
    id BLOB NOT NULL PRIMARY KEY,
    shift BLOB NOT NULL REFERENCES shift (id),
    turf BLOB REFERENCES turf (id),
    sign TEXT NOT NULL,
    credential_hash BLOB NOT NULL UNIQUE,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'admitted', 'refused', 'revoked')),
    joined_at INTEGER NOT NULL,
    tickets INTEGER NOT NULL DEFAULT 0,
    last_seen_at INTEGER NOT NULL,
    unsent INTEGER NOT NULL DEFAULT 0,
    max_issued INTEGER NOT NULL DEFAULT 0,
    version INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX device_shift ON device (shift);

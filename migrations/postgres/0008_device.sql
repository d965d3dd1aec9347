-- A phone that joined a shift. It has no name: `sign` ("K7") is shown on the phone and in the lead's list.
-- `tickets` counts how many tickets it drew, never which.
CREATE TABLE device (
    id UUID NOT NULL PRIMARY KEY,
    shift UUID NOT NULL REFERENCES shift (id),
    turf UUID REFERENCES turf (id),
    sign TEXT NOT NULL,
    credential_hash BYTEA NOT NULL UNIQUE,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'admitted', 'refused', 'revoked')),
    joined_at BIGINT NOT NULL,
    tickets BIGINT NOT NULL DEFAULT 0,
    last_seen_at BIGINT NOT NULL,
    unsent BIGINT NOT NULL DEFAULT 0,
    max_issued BIGINT NOT NULL DEFAULT 0,
    version BIGINT NOT NULL DEFAULT 1
);
CREATE INDEX device_shift ON device (shift);

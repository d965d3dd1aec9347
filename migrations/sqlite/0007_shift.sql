-- A time and a meeting place. Its codes are derived from the server's key, `id` and `code_version`: none is stored.
CREATE TABLE shift (
    id BLOB NOT NULL PRIMARY KEY,
    campaign BLOB NOT NULL REFERENCES campaign (id),
    kind TEXT NOT NULL CHECK (kind IN ('door', 'stand', 'morning', 'leaflets', 'meeting')),
    starts_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    meeting_place TEXT NOT NULL,
    capacity INTEGER NOT NULL,
    zetkin_url TEXT,
    selector TEXT NOT NULL UNIQUE,
    code_version INTEGER NOT NULL DEFAULT 1,
    misses INTEGER NOT NULL DEFAULT 0,
    locked_until INTEGER NOT NULL DEFAULT 0,
    version INTEGER NOT NULL DEFAULT 1
) STRICT;

CREATE TABLE shift_branch (
    shift BLOB NOT NULL REFERENCES shift (id),
    branch BLOB NOT NULL REFERENCES branch (id),
    PRIMARY KEY (shift, branch)
) STRICT;

CREATE TABLE shift_turf (
    shift BLOB NOT NULL REFERENCES shift (id),
    turf BLOB NOT NULL REFERENCES turf (id),
    PRIMARY KEY (shift, turf)
) STRICT;

-- Turfs that a shift once had, kept for the same reason as turf_past.
CREATE TABLE shift_turf_past (
    shift BLOB NOT NULL,
    turf BLOB NOT NULL,
    PRIMARY KEY (shift, turf)
) STRICT;
CREATE TRIGGER shift_turf_past AFTER DELETE ON shift_turf BEGIN
    INSERT INTO shift_turf_past (shift, turf) VALUES (OLD.shift, OLD.turf) ON CONFLICT DO NOTHING;
END;

-- Counts frozen on Mondays at 04:00. Everything that is shown reads these tables and no other; they are never changed.
CREATE TABLE release (
    id BLOB NOT NULL PRIMARY KEY,
    round BLOB NOT NULL REFERENCES round (id),
    number INTEGER NOT NULL,
    frozen_at INTEGER NOT NULL,
    UNIQUE (round, number)
) STRICT;

-- `area` is '*' for the city, `topic` is absent for the base (all inputs of the area).
-- `band` says how `shown` is to be read: 'closed' (the area is not open yet), 'under' (under ten), 'exact' (a count that
-- was true when it was last moved), 'nearly_all', 'at_least' (a sum over shown cells).
CREATE TABLE release_cell (
    release BLOB NOT NULL REFERENCES release (id),
    area TEXT NOT NULL,
    topic BLOB REFERENCES topic (id),
    band TEXT NOT NULL CHECK (band IN ('closed', 'under', 'exact', 'nearly_all', 'at_least')),
    shown INTEGER
) STRICT;
CREATE UNIQUE INDEX release_cell_key ON release_cell (release, area, topic);

-- Who was reached, at the same freeze; a figure under ten is absent.
CREATE TABLE release_reach (
    release BLOB NOT NULL REFERENCES release (id),
    area TEXT NOT NULL,
    doors INTEGER,
    opened INTEGER,
    conversations INTEGER,
    PRIMARY KEY (release, area)
) STRICT;

CREATE TRIGGER release_cell_no_update BEFORE UPDATE ON release_cell BEGIN SELECT RAISE(ABORT, 'release_cell is append-only'); END;
CREATE TRIGGER release_cell_no_delete BEFORE DELETE ON release_cell BEGIN SELECT RAISE(ABORT, 'release_cell is append-only'); END;

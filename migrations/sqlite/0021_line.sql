-- Who drew lines of the map, and which edition of them is shown. An import writes its lines under the number `begun`
-- and shows them by setting `edition`, so that it never holds the database for long.
CREATE TABLE line_origin (
    origin TEXT NOT NULL PRIMARY KEY,
    credit TEXT NOT NULL,
    begun INTEGER NOT NULL DEFAULT 0,
    edition INTEGER NOT NULL DEFAULT 0,
    lines INTEGER NOT NULL DEFAULT 0,
    imported_at INTEGER
) STRICT;

-- A line of the map. Its box is in millionths of a degree; shared/src/line.rs says how `geometry` is written.
CREATE TABLE line (
    origin TEXT NOT NULL REFERENCES line_origin (origin),
    edition INTEGER NOT NULL,
    id INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('street', 'path', 'water', 'motorway', 'railway')),
    name TEXT NOT NULL,
    south INTEGER NOT NULL,
    west INTEGER NOT NULL,
    north INTEGER NOT NULL,
    east INTEGER NOT NULL,
    geometry BLOB NOT NULL,
    PRIMARY KEY (origin, edition, id)
) STRICT;
CREATE INDEX line_box ON line (origin, edition, south, north, west, east);

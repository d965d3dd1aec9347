-- Who drew lines of the map, and which edition of them is shown. An import writes its lines under the number `begun`
-- and shows them by setting `edition`, so that it never holds the database for long.
CREATE TABLE line_origin (
    origin TEXT NOT NULL PRIMARY KEY,
    credit TEXT NOT NULL,
    begun BIGINT NOT NULL DEFAULT 0,
    edition BIGINT NOT NULL DEFAULT 0,
    lines BIGINT NOT NULL DEFAULT 0,
    imported_at BIGINT
);

-- A line of the map. Its box is in millionths of a degree; shared/src/line.rs says how `geometry` is written.
CREATE TABLE line (
    origin TEXT NOT NULL REFERENCES line_origin (origin),
    edition BIGINT NOT NULL,
    id BIGINT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('street', 'path', 'water', 'motorway', 'railway')),
    name TEXT NOT NULL,
    south BIGINT NOT NULL,
    west BIGINT NOT NULL,
    north BIGINT NOT NULL,
    east BIGINT NOT NULL,
    geometry BYTEA NOT NULL,
    PRIMARY KEY (origin, edition, id)
);
CREATE INDEX line_box ON line (origin, edition, south, north, west, east);

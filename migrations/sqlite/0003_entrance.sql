-- One address point. `id` is ours and never changes; (origin, source_id) is the publisher's.
CREATE TABLE entrance (
    id BLOB NOT NULL PRIMARY KEY,
    origin TEXT NOT NULL,
    source_id TEXT NOT NULL,
    municipality TEXT NOT NULL,
    street TEXT NOT NULL,
    number INTEGER NOT NULL,
    letter TEXT NOT NULL,
    postcode TEXT NOT NULL,
    post_town TEXT NOT NULL,
    grunnkrets TEXT,
    district TEXT REFERENCES district (number),
    lat REAL NOT NULL,
    lon REAL NOT NULL,
    do_not_knock INTEGER NOT NULL DEFAULT 0,
    vanished INTEGER NOT NULL DEFAULT 0,
    updated_at INTEGER NOT NULL,
    UNIQUE (origin, source_id)
) STRICT;
CREATE INDEX entrance_district ON entrance (district, street, number, letter);

-- One dwelling. `label` is the official number (H0301) or empty where the entrance has one door.
CREATE TABLE unit (
    id BLOB NOT NULL PRIMARY KEY,
    entrance BLOB NOT NULL REFERENCES entrance (id),
    label TEXT NOT NULL,
    floor INTEGER NOT NULL,
    position INTEGER NOT NULL,
    do_not_knock INTEGER NOT NULL DEFAULT 0,
    UNIQUE (entrance, label)
) STRICT;

-- One address point. `id` is ours and never changes; (origin, source_id) is the publisher's.
CREATE TABLE entrance (
    id UUID NOT NULL PRIMARY KEY,
    origin TEXT NOT NULL,
    source_id TEXT NOT NULL,
    municipality TEXT NOT NULL,
    street TEXT NOT NULL,
    number BIGINT NOT NULL,
    letter TEXT NOT NULL,
    postcode TEXT NOT NULL,
    post_town TEXT NOT NULL,
    grunnkrets TEXT,
    district TEXT REFERENCES district (number),
    lat DOUBLE PRECISION NOT NULL,
    lon DOUBLE PRECISION NOT NULL,
    do_not_knock BOOLEAN NOT NULL DEFAULT FALSE,
    vanished BOOLEAN NOT NULL DEFAULT FALSE,
    updated_at BIGINT NOT NULL,
    UNIQUE (origin, source_id)
);
CREATE INDEX entrance_district ON entrance (district, street, number, letter);

-- One dwelling. `label` is the official number (H0301) or empty where the entrance has one door.
CREATE TABLE unit (
    id UUID NOT NULL PRIMARY KEY,
    entrance UUID NOT NULL REFERENCES entrance (id),
    label TEXT NOT NULL,
    floor BIGINT NOT NULL,
    position BIGINT NOT NULL,
    do_not_knock BOOLEAN NOT NULL DEFAULT FALSE,
    UNIQUE (entrance, label)
);

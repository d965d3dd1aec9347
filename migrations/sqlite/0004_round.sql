-- The county's months-long collection: its topics, its words, its public key (SEC1, 65 bytes).
-- The private key is a file outside the database.
CREATE TABLE round (
    id BLOB NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('draft', 'open', 'closed')),
    opens_on TEXT NOT NULL,
    closes_on TEXT NOT NULL,
    public_key BLOB NOT NULL,
    version INTEGER NOT NULL DEFAULT 1
) STRICT;

-- The codebook; a topic with a parent is a sub-topic.
CREATE TABLE topic (
    id BLOB NOT NULL PRIMARY KEY,
    round BLOB NOT NULL REFERENCES round (id),
    parent BLOB REFERENCES topic (id),
    position INTEGER NOT NULL,
    name_nb TEXT NOT NULL,
    name_nn TEXT NOT NULL,
    name_en TEXT NOT NULL,
    chapter TEXT NOT NULL DEFAULT '',
    version INTEGER NOT NULL DEFAULT 1
) STRICT;

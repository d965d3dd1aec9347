-- The county's months-long collection: its topics, its words, its public key (SEC1, 65 bytes).
-- The private key is a file outside the database.
CREATE TABLE round (
    id UUID NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('draft', 'open', 'closed')),
    opens_on TEXT NOT NULL,
    closes_on TEXT NOT NULL,
    public_key BYTEA NOT NULL,
    version BIGINT NOT NULL DEFAULT 1
);

-- The codebook; a topic with a parent is a sub-topic.
CREATE TABLE topic (
    id UUID NOT NULL PRIMARY KEY,
    round UUID NOT NULL REFERENCES round (id),
    parent UUID REFERENCES topic (id),
    position BIGINT NOT NULL,
    name_nb TEXT NOT NULL,
    name_nn TEXT NOT NULL,
    name_en TEXT NOT NULL,
    chapter TEXT NOT NULL DEFAULT '',
    version BIGINT NOT NULL DEFAULT 1
);

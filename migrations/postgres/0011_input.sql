-- One-time tickets. `ticket_pool` holds those not yet drawn; its key is random, so the first row is a random row.
CREATE TABLE ticket_pool (
    ticket BYTEA NOT NULL PRIMARY KEY,
    round UUID NOT NULL REFERENCES round (id)
);

-- Drawn tickets, by hash; `envelope_hash` once spent, so that a repeat is answered as before.
CREATE TABLE ticket (
    ticket_hash BYTEA NOT NULL PRIMARY KEY,
    round UUID NOT NULL REFERENCES round (id),
    envelope_hash BYTEA
);

-- Sealed envelopes that wait for the mix. The key is random; nothing tells when or from whom.
CREATE TABLE spool (
    id UUID NOT NULL PRIMARY KEY,
    round UUID NOT NULL REFERENCES round (id),
    sealed BYTEA NOT NULL
);

-- Mixed inputs. One conversation at one door; no author, no time, nothing finer than an area and a round.
CREATE TABLE input (
    id UUID NOT NULL PRIMARY KEY,
    round UUID NOT NULL REFERENCES round (id),
    area TEXT NOT NULL,
    arena TEXT NOT NULL,
    words TEXT,
    review TEXT NOT NULL DEFAULT 'waiting' CHECK (review IN ('waiting', 'coded', 'struck'))
);

CREATE TABLE input_topic (
    input UUID NOT NULL REFERENCES input (id),
    topic UUID NOT NULL REFERENCES topic (id),
    PRIMARY KEY (input, topic)
);

-- Per round and area: what the visits showed when it was last mixed, and how many inputs were ever mixed.
CREATE TABLE mix_mark (
    round UUID NOT NULL REFERENCES round (id),
    area TEXT NOT NULL,
    shifts BIGINT NOT NULL,
    conversations BIGINT NOT NULL,
    inputs BIGINT NOT NULL,
    PRIMARY KEY (round, area)
);

-- How many conversations a turf had shown when its area was last mixed: what grew since is a turf of the next mix.
CREATE TABLE mix_turf (
    turf UUID NOT NULL PRIMARY KEY,
    conversations BIGINT NOT NULL
);

-- One-time tickets. `ticket_pool` holds those not yet drawn; its key is random, so the first row is a random row.
CREATE TABLE ticket_pool (
    ticket BLOB NOT NULL PRIMARY KEY,
    round BLOB NOT NULL REFERENCES round (id)
) STRICT, WITHOUT ROWID;

-- Drawn tickets, by hash; `envelope_hash` once spent, so that a repeat is answered as before.
CREATE TABLE ticket (
    ticket_hash BLOB NOT NULL PRIMARY KEY,
    round BLOB NOT NULL REFERENCES round (id),
    envelope_hash BLOB
) STRICT, WITHOUT ROWID;

-- Sealed envelopes that wait for the mix. The key is random; nothing tells when or from whom.
CREATE TABLE spool (
    id BLOB NOT NULL PRIMARY KEY,
    round BLOB NOT NULL REFERENCES round (id),
    sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Mixed inputs. One conversation at one door; no author, no time, nothing finer than an area and a round.
CREATE TABLE input (
    id BLOB NOT NULL PRIMARY KEY,
    round BLOB NOT NULL REFERENCES round (id),
    area TEXT NOT NULL,
    arena TEXT NOT NULL,
    words TEXT,
    review TEXT NOT NULL DEFAULT 'waiting' CHECK (review IN ('waiting', 'coded', 'struck'))
) STRICT, WITHOUT ROWID;

CREATE TABLE input_topic (
    input BLOB NOT NULL REFERENCES input (id),
    topic BLOB NOT NULL REFERENCES topic (id),
    PRIMARY KEY (input, topic)
) STRICT, WITHOUT ROWID;

-- Per round and area: what the visits showed when it was last mixed, and how many inputs were ever mixed.
CREATE TABLE mix_mark (
    round BLOB NOT NULL REFERENCES round (id),
    area TEXT NOT NULL,
    shifts INTEGER NOT NULL,
    conversations INTEGER NOT NULL,
    inputs INTEGER NOT NULL,
    PRIMARY KEY (round, area)
) STRICT;

-- How many conversations a turf had shown when its area was last mixed: what grew since is a turf of the next mix.
CREATE TABLE mix_turf (
    turf BLOB NOT NULL PRIMARY KEY,
    conversations INTEGER NOT NULL
) STRICT;

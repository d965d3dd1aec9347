-- A branch's dated effort within a round. `receipt_key` keys the receipts of its visits and is emptied when
-- their outcomes are coarsened, so that a receipt can no longer be tried against a guess.
CREATE TABLE campaign (
    id BLOB NOT NULL PRIMARY KEY,
    round BLOB NOT NULL REFERENCES round (id),
    branch BLOB NOT NULL REFERENCES branch (id),
    purpose TEXT NOT NULL CHECK (purpose IN ('listen', 'election')),
    name TEXT NOT NULL,
    starts_on TEXT NOT NULL,
    ends_on TEXT NOT NULL,
    receipt_key BLOB NOT NULL,
    version INTEGER NOT NULL DEFAULT 1
) STRICT;

-- One counter row per campaign. A push takes its numbers here as its last act, so a reader can never pass a late commit.
CREATE TABLE campaign_clock (
    campaign BLOB NOT NULL PRIMARY KEY REFERENCES campaign (id),
    seq INTEGER NOT NULL
) STRICT;

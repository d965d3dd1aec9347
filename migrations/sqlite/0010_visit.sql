-- What happened at a door, never what was said. `unit` is absent for what concerns the whole entrance.
-- `silenced`: this entry turned the register's do_not_knock on, so its undo turns it off again.
-- 72 hours after the shift `device` is emptied, `occurred_at` cut to its day and the outcome coarsened.
CREATE TABLE visit (
    id BLOB NOT NULL PRIMARY KEY,
    campaign BLOB NOT NULL REFERENCES campaign (id),
    turf BLOB NOT NULL REFERENCES turf (id),
    entrance BLOB NOT NULL REFERENCES entrance (id),
    unit BLOB REFERENCES unit (id),
    outcome TEXT NOT NULL,
    leaflet INTEGER NOT NULL,
    occurred_at INTEGER NOT NULL,
    device BLOB,
    device_seq INTEGER NOT NULL,
    superseded_by BLOB,
    coarse INTEGER NOT NULL DEFAULT 0,
    silenced INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX visit_door ON visit (campaign, entrance, unit);
CREATE INDEX visit_turf ON visit (turf);

-- One row for each entry that was ever answered: a repeat gets the same answer. `mac` is keyed by the campaign.
CREATE TABLE receipt (
    id BLOB NOT NULL PRIMARY KEY,
    campaign BLOB NOT NULL,
    device BLOB NOT NULL,
    device_seq INTEGER NOT NULL,
    mac BLOB NOT NULL,
    status TEXT NOT NULL,
    reason TEXT,
    seq INTEGER
) STRICT;
CREATE INDEX receipt_device ON receipt (device, device_seq);

-- What could not be applied, kept whole and shown to the organiser ("Til avklaring").
CREATE TABLE quarantine (
    id BLOB NOT NULL,
    mac BLOB NOT NULL,
    campaign BLOB,
    device BLOB NOT NULL,
    device_seq INTEGER NOT NULL,
    kind TEXT NOT NULL,
    version INTEGER NOT NULL,
    captured_at INTEGER NOT NULL,
    body TEXT NOT NULL,
    reason TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    settled_at INTEGER,
    PRIMARY KEY (id, mac)
) STRICT;
CREATE INDEX quarantine_device ON quarantine (device, device_seq);

-- The projection that pull serves: one row per door and campaign. `door` is the unit, or the entrance itself.
CREATE TABLE door_state (
    campaign BLOB NOT NULL REFERENCES campaign (id),
    door BLOB NOT NULL,
    turf BLOB NOT NULL REFERENCES turf (id),
    entrance BLOB NOT NULL REFERENCES entrance (id),
    state TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (campaign, door)
) STRICT;
CREATE INDEX door_state_pull ON door_state (turf, seq);

-- What remains when visits are coarsened: how often each outcome was noted in a turf.
CREATE TABLE turf_tally (
    campaign BLOB NOT NULL,
    turf BLOB NOT NULL,
    outcome TEXT NOT NULL,
    visits INTEGER NOT NULL,
    PRIMARY KEY (campaign, turf, outcome)
) STRICT;

-- What remains of which phone noted it: which shifts worked in a turf, nothing of when or where.
CREATE TABLE turf_shift (
    turf BLOB NOT NULL,
    shift BLOB NOT NULL,
    PRIMARY KEY (turf, shift)
) STRICT;

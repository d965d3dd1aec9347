-- What happened at a door, never what was said. `unit` is absent for what concerns the whole entrance.
-- `silenced`: this entry turned the register's do_not_knock on, so its undo turns it off again.
-- 72 hours after the shift `device` is emptied, `occurred_at` cut to its day and the outcome coarsened.
CREATE TABLE visit (
    id UUID NOT NULL PRIMARY KEY,
    campaign UUID NOT NULL REFERENCES campaign (id),
    turf UUID NOT NULL REFERENCES turf (id),
    entrance UUID NOT NULL REFERENCES entrance (id),
    unit UUID REFERENCES unit (id),
    outcome TEXT NOT NULL,
    leaflet BOOLEAN NOT NULL,
    occurred_at BIGINT NOT NULL,
    device UUID,
    device_seq BIGINT NOT NULL,
    superseded_by UUID,
    coarse BOOLEAN NOT NULL DEFAULT FALSE,
    silenced BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE INDEX visit_door ON visit (campaign, entrance, unit);
CREATE INDEX visit_turf ON visit (turf);

-- One row for each entry that was ever answered: a repeat gets the same answer. `mac` is keyed by the campaign.
CREATE TABLE receipt (
    id UUID NOT NULL PRIMARY KEY,
    campaign UUID NOT NULL,
    device UUID NOT NULL,
    device_seq BIGINT NOT NULL,
    mac BYTEA NOT NULL,
    status TEXT NOT NULL,
    reason TEXT,
    seq BIGINT
);
CREATE INDEX receipt_device ON receipt (device, device_seq);

-- What could not be applied, kept whole and shown to the organiser ("Til avklaring").
CREATE TABLE quarantine (
    id UUID NOT NULL,
    mac BYTEA NOT NULL,
    campaign UUID,
    device UUID NOT NULL,
    device_seq BIGINT NOT NULL,
    kind TEXT NOT NULL,
    version BIGINT NOT NULL,
    captured_at BIGINT NOT NULL,
    body TEXT NOT NULL,
    reason TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    settled_at BIGINT,
    PRIMARY KEY (id, mac)
);
CREATE INDEX quarantine_device ON quarantine (device, device_seq);

-- The projection that pull serves: one row per door and campaign. `door` is the unit, or the entrance itself.
CREATE TABLE door_state (
    campaign UUID NOT NULL REFERENCES campaign (id),
    door UUID NOT NULL,
    turf UUID NOT NULL REFERENCES turf (id),
    entrance UUID NOT NULL REFERENCES entrance (id),
    state TEXT NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (campaign, door)
);
CREATE INDEX door_state_pull ON door_state (turf, seq);

-- What remains when visits are coarsened: how often each outcome was noted in a turf.
CREATE TABLE turf_tally (
    campaign UUID NOT NULL,
    turf UUID NOT NULL,
    outcome TEXT NOT NULL,
    visits BIGINT NOT NULL,
    PRIMARY KEY (campaign, turf, outcome)
);

-- What remains of which phone noted it: which shifts worked in a turf, nothing of when or where.
CREATE TABLE turf_shift (
    turf UUID NOT NULL,
    shift UUID NOT NULL,
    PRIMARY KEY (turf, shift)
);

-- What one pair walks: entrances in walk order.
CREATE TABLE turf (
    id BLOB NOT NULL PRIMARY KEY,
    campaign BLOB NOT NULL REFERENCES campaign (id),
    district TEXT NOT NULL REFERENCES district (number),
    number INTEGER NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL DEFAULT 1,
    UNIQUE (campaign, number)
) STRICT;

CREATE TABLE turf_entrance (
    turf BLOB NOT NULL REFERENCES turf (id),
    entrance BLOB NOT NULL REFERENCES entrance (id),
    position INTEGER NOT NULL,
    PRIMARY KEY (turf, entrance)
) STRICT;
CREATE INDEX turf_entrance_entrance ON turf_entrance (entrance);

-- What a turf once held: a phone that is offline may still send what it noted there.
CREATE TABLE turf_past (
    turf BLOB NOT NULL,
    entrance BLOB NOT NULL,
    PRIMARY KEY (turf, entrance)
) STRICT;
CREATE TRIGGER turf_entrance_past AFTER DELETE ON turf_entrance BEGIN
    INSERT INTO turf_past (turf, entrance) VALUES (OLD.turf, OLD.entrance) ON CONFLICT DO NOTHING;
END;

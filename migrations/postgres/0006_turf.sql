-- What one pair walks: entrances in walk order.
CREATE TABLE turf (
    id UUID NOT NULL PRIMARY KEY,
    campaign UUID NOT NULL REFERENCES campaign (id),
    district TEXT NOT NULL REFERENCES district (number),
    number BIGINT NOT NULL,
    name TEXT NOT NULL,
    version BIGINT NOT NULL DEFAULT 1,
    UNIQUE (campaign, number)
);

CREATE TABLE turf_entrance (
    turf UUID NOT NULL REFERENCES turf (id),
    entrance UUID NOT NULL REFERENCES entrance (id),
    position BIGINT NOT NULL,
    PRIMARY KEY (turf, entrance)
);
CREATE INDEX turf_entrance_entrance ON turf_entrance (entrance);

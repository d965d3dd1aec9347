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

-- What a turf once held: a phone that is offline may still send what it noted there.
CREATE TABLE turf_past (
    turf UUID NOT NULL,
    entrance UUID NOT NULL,
    PRIMARY KEY (turf, entrance)
);
CREATE FUNCTION turf_entrance_past() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO turf_past (turf, entrance) VALUES (OLD.turf, OLD.entrance) ON CONFLICT DO NOTHING;
    RETURN NULL;
END;
$$;
CREATE TRIGGER turf_entrance_past AFTER DELETE ON turf_entrance
    FOR EACH ROW EXECUTE FUNCTION turf_entrance_past();

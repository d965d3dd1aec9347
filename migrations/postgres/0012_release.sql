-- Counts frozen on Mondays at 04:00. Everything that is shown reads these tables and no other; they are never changed.
CREATE TABLE release (
    id UUID NOT NULL PRIMARY KEY,
    round UUID NOT NULL REFERENCES round (id),
    number BIGINT NOT NULL,
    frozen_at BIGINT NOT NULL,
    UNIQUE (round, number)
);

-- `area` is '*' for the city, `topic` is absent for the base (all inputs of the area).
-- `band` says how `shown` is to be read: 'closed' (the area is not open yet), 'under' (under ten), 'exact' (a count that
-- was true when it was last moved), 'nearly_all', 'at_least' (a sum over shown cells).
CREATE TABLE release_cell (
    release UUID NOT NULL REFERENCES release (id),
    area TEXT NOT NULL,
    topic UUID REFERENCES topic (id),
    band TEXT NOT NULL CHECK (band IN ('closed', 'under', 'exact', 'nearly_all', 'at_least')),
    shown BIGINT
);
CREATE UNIQUE INDEX release_cell_key ON release_cell (release, area, topic);

-- Who was reached, at the same freeze; a figure under ten is absent.
CREATE TABLE release_reach (
    release UUID NOT NULL REFERENCES release (id),
    area TEXT NOT NULL,
    doors BIGINT,
    opened BIGINT,
    conversations BIGINT,
    PRIMARY KEY (release, area)
);

CREATE FUNCTION release_cell_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'release_cell is append-only';
END;
$$;
CREATE TRIGGER release_cell_no_change BEFORE UPDATE OR DELETE ON release_cell
    FOR EACH ROW EXECUTE FUNCTION release_cell_append_only();

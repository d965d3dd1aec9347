-- Doors that are no longer listed (`old`) and those that came after them, by import and group: in the same house, or in one
-- that it was joined with. A wish for quiet at an old one holds at the new ones.
CREATE TABLE door_succession (
    since BIGINT NOT NULL,
    part BIGINT NOT NULL,
    unit UUID NOT NULL REFERENCES unit (id),
    old BOOLEAN NOT NULL,
    PRIMARY KEY (since, part, unit)
);
CREATE INDEX door_succession_unit ON door_succession (unit);

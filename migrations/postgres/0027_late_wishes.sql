-- How many wishes for quiet came from the phones of a shift so late that a visit no longer says which phone noted it. Counted
-- for the shift: a count for each phone would say which of them was at which door.
ALTER TABLE shift ADD COLUMN late_wishes BIGINT NOT NULL DEFAULT 0;

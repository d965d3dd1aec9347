-- How many entrances and doors are in force, without those that vanished: counted when a register is put in force, so that
-- no page has to.
ALTER TABLE register ADD COLUMN entrances BIGINT NOT NULL DEFAULT 0;
ALTER TABLE register ADD COLUMN doors BIGINT NOT NULL DEFAULT 0;
UPDATE register SET entrances = (SELECT COUNT(*) FROM entrance_in_force e WHERE NOT e.vanished),
    doors = (SELECT COUNT(*) FROM unit_in_force u JOIN entrance_in_force e ON e.id = u.entrance WHERE NOT e.vanished AND NOT u.vanished);

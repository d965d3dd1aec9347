-- An import writes beside the register that is in force, in many short transactions, and is then put in force by one
-- that changes a number. `staging` is the number of the import whose rows may be left: above `in_force` it was stopped
-- before that, at or below it what it changes waits to be carried into the tables. 0: nothing is left.
CREATE TABLE register (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    in_force INTEGER NOT NULL,
    staging INTEGER NOT NULL
) STRICT;
INSERT INTO register (one, in_force, staging) VALUES (1, 0, 0);

-- `since`: the import that brought it; it counts when the register in force reaches that number. `property` is the
-- cadastral property within the municipality ("19/1/0": gårdsnummer, bruksnummer, festenummer), empty where unknown.
ALTER TABLE entrance ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE entrance ADD COLUMN property TEXT NOT NULL DEFAULT '';

-- A door that vanished is kept with all that happened there, and is not walked to.
ALTER TABLE unit ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE unit ADD COLUMN vanished INTEGER NOT NULL DEFAULT 0;

-- What an import changes of what is in force already. It holds over the row it changes from `since` on, and is carried
-- into it afterwards. A wish for quiet is never part of it: that is the residents', not the publisher's.
CREATE TABLE entrance_change (
    entrance BLOB NOT NULL PRIMARY KEY REFERENCES entrance (id),
    since INTEGER NOT NULL,
    municipality TEXT NOT NULL,
    street TEXT NOT NULL,
    number INTEGER NOT NULL,
    letter TEXT NOT NULL,
    postcode TEXT NOT NULL,
    post_town TEXT NOT NULL,
    grunnkrets TEXT,
    district TEXT REFERENCES district (number),
    lat REAL NOT NULL,
    lon REAL NOT NULL,
    property TEXT NOT NULL,
    vanished INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX entrance_change_district ON entrance_change (district);

CREATE TABLE unit_change (
    unit BLOB NOT NULL PRIMARY KEY REFERENCES unit (id),
    since INTEGER NOT NULL,
    label TEXT NOT NULL,
    floor INTEGER NOT NULL,
    position INTEGER NOT NULL,
    vanished INTEGER NOT NULL
) STRICT;

-- The register in force. All that is read for a screen or a phone reads these.
CREATE VIEW entrance_in_force AS
    SELECT e.id, e.origin, e.source_id, COALESCE(c.municipality, e.municipality) AS municipality, COALESCE(c.street, e.street) AS street,
        COALESCE(c.number, e.number) AS number, COALESCE(c.letter, e.letter) AS letter, COALESCE(c.postcode, e.postcode) AS postcode,
        COALESCE(c.post_town, e.post_town) AS post_town, CASE WHEN c.entrance IS NULL THEN e.grunnkrets ELSE c.grunnkrets END AS grunnkrets,
        CASE WHEN c.entrance IS NULL THEN e.district ELSE c.district END AS district, COALESCE(c.lat, e.lat) AS lat, COALESCE(c.lon, e.lon) AS lon,
        COALESCE(c.property, e.property) AS property, e.do_not_knock, COALESCE(c.vanished, e.vanished) AS vanished
    FROM entrance e LEFT JOIN entrance_change c ON c.entrance = e.id AND c.since <= (SELECT in_force FROM register)
    WHERE e.since <= (SELECT in_force FROM register);

CREATE VIEW unit_in_force AS
    SELECT u.id, u.entrance, COALESCE(c.label, u.label) AS label, COALESCE(c.floor, u.floor) AS floor, COALESCE(c.position, u.position) AS position,
        u.do_not_knock, COALESCE(c.vanished, u.vanished) AS vanished
    FROM unit u LEFT JOIN unit_change c ON c.unit = u.id AND c.since <= (SELECT in_force FROM register)
    WHERE u.since <= (SELECT in_force FROM register);

-- Entrances that vanished (`old`) and those that appeared in their place, by import and group: on the same property, or
-- under the same street and number. A wish for quiet at the old ones holds at the new ones.
CREATE TABLE succession (
    since INTEGER NOT NULL,
    part INTEGER NOT NULL,
    entrance BLOB NOT NULL REFERENCES entrance (id),
    old INTEGER NOT NULL,
    PRIMARY KEY (since, part, entrance)
) STRICT;
CREATE INDEX succession_entrance ON succession (entrance);

-- What somebody here knows better than the publisher. `door` is the number of the door that was added or is gone, else
-- empty; `published` is what the publisher said when it was corrected.
CREATE TABLE correction (
    entrance BLOB NOT NULL REFERENCES entrance (id),
    field TEXT NOT NULL CHECK (field IN ('place', 'street', 'number', 'letter', 'door_added', 'door_gone')),
    door TEXT NOT NULL,
    ours TEXT NOT NULL,
    published TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    PRIMARY KEY (entrance, field, door)
) STRICT;

-- What a stopped import left is deleted, and each row that goes is looked for where something could refer to it.
DROP INDEX visit_door;
CREATE INDEX visit_door ON visit (entrance, campaign, unit);
CREATE INDEX visit_unit ON visit (unit);
CREATE INDEX door_state_entrance ON door_state (entrance);

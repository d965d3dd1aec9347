-- A city district, keyed by its number ("01"). `area` is the number under which its inputs are counted:
-- its own, or a neighbour's where too few people live (Sentrum, Marka).
CREATE TABLE district (
    number TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    area TEXT NOT NULL,
    households INTEGER NOT NULL DEFAULT 0,
    boundary TEXT,
    version INTEGER NOT NULL DEFAULT 1
) STRICT;

-- Which district a basic statistical unit lies in; the published address carries the unit's number.
CREATE TABLE grunnkrets (
    number TEXT NOT NULL PRIMARY KEY,
    district TEXT NOT NULL REFERENCES district (number)
) STRICT;

CREATE TABLE branch (
    id BLOB NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    version INTEGER NOT NULL DEFAULT 1
) STRICT;

CREATE TABLE branch_district (
    branch BLOB NOT NULL REFERENCES branch (id),
    district TEXT NOT NULL REFERENCES district (number),
    PRIMARY KEY (branch, district)
) STRICT;

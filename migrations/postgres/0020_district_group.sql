-- How many households live in a district, by its number alone: a figure outlives the district's row, and comes back with it.
CREATE TABLE household (
    district TEXT NOT NULL PRIMARY KEY,
    households BIGINT NOT NULL,
    year BIGINT,
    source TEXT NOT NULL
);

-- Districts that are read together. A district may be in several groups; they are listed by `position`.
CREATE TABLE district_group (
    name TEXT NOT NULL PRIMARY KEY,
    position BIGINT NOT NULL,
    source TEXT NOT NULL
);

CREATE TABLE district_group_member (
    district_group TEXT NOT NULL REFERENCES district_group (name),
    district TEXT NOT NULL REFERENCES district (number),
    PRIMARY KEY (district_group, district)
);

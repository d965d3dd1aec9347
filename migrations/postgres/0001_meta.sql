-- What is true of the whole database: its epoch (changed by a restore), its stamp ('demo' or absent), settings.
CREATE TABLE meta (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

-- People with a role. `scope` is a branch (organiser, lead), a district number as text, or nothing (county-wide).
CREATE TABLE officer (
    id BLOB NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    email TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL CHECK (role IN ('lead', 'organiser', 'committee', 'reviewer', 'county', 'privacy')),
    branch BLOB REFERENCES branch (id),
    district TEXT REFERENCES district (number),
    active INTEGER NOT NULL DEFAULT 1,
    version INTEGER NOT NULL DEFAULT 1
) STRICT;

CREATE TABLE session (
    token_hash BLOB NOT NULL PRIMARY KEY,
    officer BLOB NOT NULL REFERENCES officer (id),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

-- A link to sign in with: used once, by the browser that asked (or, when an administrator made it, by the first that opens it).
CREATE TABLE sign_in_link (
    token_hash BLOB NOT NULL PRIMARY KEY,
    officer BLOB NOT NULL REFERENCES officer (id),
    browser_hash BLOB,
    expires_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT;

-- Written in the transaction of what it tells about. No text, no reason, nothing that a voter said.
CREATE TABLE audit (
    id BLOB NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL,
    officer BLOB,
    role TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    subject_id TEXT NOT NULL
) STRICT;
CREATE INDEX audit_at ON audit (at);

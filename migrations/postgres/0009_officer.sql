-- People with a role. `scope` is a branch (organiser, lead), a district number as text, or nothing (county-wide).
CREATE TABLE officer (
    id UUID NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    email TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL CHECK (role IN ('lead', 'organiser', 'committee', 'reviewer', 'county', 'privacy')),
    branch UUID REFERENCES branch (id),
    district TEXT REFERENCES district (number),
    active BOOLEAN NOT NULL DEFAULT TRUE,
    version BIGINT NOT NULL DEFAULT 1
);

CREATE TABLE session (
    token_hash BYTEA NOT NULL PRIMARY KEY,
    officer UUID NOT NULL REFERENCES officer (id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

-- A link to sign in with: used once, by the browser that asked (or, when an administrator made it, by the first that opens it).
CREATE TABLE sign_in_link (
    token_hash BYTEA NOT NULL PRIMARY KEY,
    officer UUID NOT NULL REFERENCES officer (id),
    browser_hash BYTEA,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);

-- Written in the transaction of what it tells about. No text, no reason, nothing that a voter said.
CREATE TABLE audit (
    id UUID NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    officer UUID,
    role TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    subject_id TEXT NOT NULL
);
CREATE INDEX audit_at ON audit (at);

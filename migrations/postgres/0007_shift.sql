-- A time and a meeting place. Its codes are derived from the server's key, `id` and `code_version`: none is stored.
CREATE TABLE shift (
    id UUID NOT NULL PRIMARY KEY,
    campaign UUID NOT NULL REFERENCES campaign (id),
    kind TEXT NOT NULL CHECK (kind IN ('door', 'stand', 'morning', 'leaflets', 'meeting')),
    starts_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    meeting_place TEXT NOT NULL,
    capacity BIGINT NOT NULL,
    zetkin_url TEXT,
    selector TEXT NOT NULL UNIQUE,
    code_version BIGINT NOT NULL DEFAULT 1,
    misses BIGINT NOT NULL DEFAULT 0,
    locked_until BIGINT NOT NULL DEFAULT 0,
    version BIGINT NOT NULL DEFAULT 1
);

CREATE TABLE shift_branch (
    shift UUID NOT NULL REFERENCES shift (id),
    branch UUID NOT NULL REFERENCES branch (id),
    PRIMARY KEY (shift, branch)
);

CREATE TABLE shift_turf (
    shift UUID NOT NULL REFERENCES shift (id),
    turf UUID NOT NULL REFERENCES turf (id),
    PRIMARY KEY (shift, turf)
);

-- Turfs that a shift once had, kept for the same reason as turf_past.
CREATE TABLE shift_turf_past (
    shift UUID NOT NULL,
    turf UUID NOT NULL,
    PRIMARY KEY (shift, turf)
);
CREATE FUNCTION shift_turf_past() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO shift_turf_past (shift, turf) VALUES (OLD.shift, OLD.turf) ON CONFLICT DO NOTHING;
    RETURN NULL;
END;
$$;
CREATE TRIGGER shift_turf_past AFTER DELETE ON shift_turf
    FOR EACH ROW EXECUTE FUNCTION shift_turf_past();

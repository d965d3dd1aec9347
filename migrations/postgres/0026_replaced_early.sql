-- An officer counted a correction whose entry had not come. When that comes after all, it is replaced already.
CREATE TABLE replaced_early (
    id UUID PRIMARY KEY,
    superseded_by UUID NOT NULL
);

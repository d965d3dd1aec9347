-- A correction was counted before the entry that it corrects had come. When that comes after all, from the same phone, it is
-- replaced already.
CREATE TABLE replaced_early (
    id UUID NOT NULL,
    device UUID NOT NULL REFERENCES device (id),
    campaign UUID NOT NULL REFERENCES campaign (id),
    superseded_by UUID NOT NULL,
    PRIMARY KEY (id, device)
);
-- What an entry in quarantine supersedes: its body is emptied one day, and who corrects it still corrects what it corrected.
ALTER TABLE quarantine ADD COLUMN supersedes UUID;

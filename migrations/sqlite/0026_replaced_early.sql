-- A correction was counted before the entry that it corrects had come. When that comes after all, from the same phone, it is
-- replaced already.
CREATE TABLE replaced_early (
    id BLOB NOT NULL,
    device BLOB NOT NULL REFERENCES device (id),
    campaign BLOB NOT NULL REFERENCES campaign (id),
    superseded_by BLOB NOT NULL,
    PRIMARY KEY (id, device)
) STRICT, WITHOUT ROWID;
-- What an entry in quarantine supersedes: its body is emptied one day, and who corrects it still corrects what it corrected.
ALTER TABLE quarantine ADD COLUMN supersedes BLOB;

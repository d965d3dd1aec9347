-- How an entry in quarantine was settled: `replaced` by its own phone, `applied`, or why it was discarded. Its body is
-- emptied with the visits of its shift.
ALTER TABLE quarantine ADD COLUMN settled_as TEXT;
CREATE INDEX quarantine_open ON quarantine (received_at) WHERE settled_at IS NULL;

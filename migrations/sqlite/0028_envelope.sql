-- An envelope that was ever taken is known by its hash, whichever ticket it comes with again.
CREATE INDEX ticket_envelope_hash ON ticket (envelope_hash) WHERE envelope_hash IS NOT NULL;
-- A receipt that tells nothing apart any more has no number either.
UPDATE receipt SET seq = NULL WHERE LENGTH(mac) = 0;

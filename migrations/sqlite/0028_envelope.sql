-- An envelope that was ever taken is known by its hash, whichever ticket it comes with again.
CREATE INDEX ticket_envelope_hash ON ticket (envelope_hash) WHERE envelope_hash IS NOT NULL;

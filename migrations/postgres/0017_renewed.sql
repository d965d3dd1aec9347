-- A phone whose storage was copied counts on under another identity; the old one still sends what it had.
ALTER TABLE device ADD COLUMN renewed_from UUID;

-- Since when, by the server's clock, a phone has said at each push that it has entries which it has not sent. Of no meaning
-- where it has none.
ALTER TABLE device ADD COLUMN unsent_since INTEGER;

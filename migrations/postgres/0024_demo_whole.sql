-- A demo that was made by an earlier version of the program is taken for whole, as it was until now.
INSERT INTO meta (key, value) SELECT 'demo.whole', 'yes' FROM meta WHERE key = 'stamp' AND value = 'demo';

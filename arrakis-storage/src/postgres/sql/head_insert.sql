INSERT INTO head (id, seq, at, catalog) VALUES (1, 0, $1, 0)

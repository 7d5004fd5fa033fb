INSERT INTO head (id, seq, at) VALUES (1, 0, ?1)

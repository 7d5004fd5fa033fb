INSERT INTO meta (id, instance, cursor_key) VALUES (1, $1, $2)

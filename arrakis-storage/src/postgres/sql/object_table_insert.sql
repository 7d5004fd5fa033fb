INSERT INTO object_table (space, object_type, since) VALUES ($1, $2, $3) RETURNING n

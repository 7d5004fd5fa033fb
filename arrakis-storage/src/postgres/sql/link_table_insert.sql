INSERT INTO link_table (space, link_type, since) VALUES ($1, $2, $3) RETURNING n

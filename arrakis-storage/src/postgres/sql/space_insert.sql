INSERT INTO space (id, name) VALUES ($1, $2)

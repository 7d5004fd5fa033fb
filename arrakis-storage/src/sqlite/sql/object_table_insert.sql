INSERT INTO object_table (space, object_type) VALUES (?1, ?2)

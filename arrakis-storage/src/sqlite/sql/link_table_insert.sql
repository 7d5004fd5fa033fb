INSERT INTO link_table (space, link_type) VALUES (?1, ?2)

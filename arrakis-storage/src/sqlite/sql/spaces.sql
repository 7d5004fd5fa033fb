SELECT id, name FROM space ORDER BY id

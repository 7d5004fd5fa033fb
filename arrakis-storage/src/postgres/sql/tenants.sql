SELECT t, id, name, space FROM tenant ORDER BY id

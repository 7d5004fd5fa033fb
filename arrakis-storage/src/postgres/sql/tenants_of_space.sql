SELECT t, id FROM tenant WHERE space = $1 ORDER BY id

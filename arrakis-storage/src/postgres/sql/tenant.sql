SELECT t, name, space FROM tenant WHERE id = $1

UPDATE head SET seq = $1, at = $2, catalog = $1

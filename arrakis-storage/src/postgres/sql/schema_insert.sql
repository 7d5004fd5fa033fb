INSERT INTO schema_version (space, version, hash, seq, document) VALUES ($1, $2, $3, $4, $5)

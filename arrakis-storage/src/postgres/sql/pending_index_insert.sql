INSERT INTO pending_index (name, definition, since) VALUES ($1, $2, $3)
ON CONFLICT (name) DO UPDATE SET definition = excluded.definition, since = excluded.since, failure = NULL

UPDATE pending_index SET failure = $3 WHERE name = $1 AND since = $2

DELETE FROM pending_index WHERE name = $1 AND since = $2

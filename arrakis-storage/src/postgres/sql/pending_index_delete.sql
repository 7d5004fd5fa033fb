DELETE FROM pending_index WHERE name = $1

SELECT version FROM schema_version WHERE space = $1 AND seq <= $2 ORDER BY version DESC LIMIT 1

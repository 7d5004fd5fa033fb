SELECT version FROM schema_version WHERE space = $1 ORDER BY version DESC LIMIT 1

SELECT document FROM schema_version WHERE space = $1 AND version = $2

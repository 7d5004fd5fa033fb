SELECT space, version, hash, seq FROM schema_version ORDER BY space, version

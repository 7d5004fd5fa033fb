SELECT v.version, v.hash, v.seq, l.at, l.actor, l.reason
FROM schema_version v JOIN commit_log l ON l.seq = v.seq
WHERE v.space = ?1 AND v.version > ?2 ORDER BY v.version LIMIT ?3

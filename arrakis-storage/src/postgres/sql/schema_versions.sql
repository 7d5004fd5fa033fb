SELECT v.version, v.hash, v.seq, l.at, l.actor, l.reason
FROM schema_version AS v JOIN commit_log AS l ON l.seq = v.seq
WHERE v.space = $1 AND v.version > $2 ORDER BY v.version LIMIT $3

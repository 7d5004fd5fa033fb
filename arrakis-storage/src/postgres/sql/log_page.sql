SELECT seq, commit_id, tenant, at, actor, reason, body FROM commit_log WHERE seq > $1 ORDER BY seq LIMIT $2

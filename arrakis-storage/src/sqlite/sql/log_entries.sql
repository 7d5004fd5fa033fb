SELECT seq, commit_id, tenant, at, actor, reason, body FROM commit_log WHERE tenant = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3

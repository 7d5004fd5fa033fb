SELECT at, actor, reason, commit_id FROM commit_log WHERE seq = ?1

SELECT seq, at, actor, reason, commit_id, action FROM commit_log WHERE seq = ANY($1)

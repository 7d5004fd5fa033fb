SELECT seq, tenant FROM commit_log WHERE commit_id = ?1

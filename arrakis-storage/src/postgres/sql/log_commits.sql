SELECT commit_id, seq, tenant FROM commit_log WHERE commit_id = ANY($1)

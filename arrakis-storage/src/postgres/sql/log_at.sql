SELECT at FROM commit_log WHERE seq = $1

INSERT INTO commit_log (seq, commit_id, tenant, at, actor, reason, body, action) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)

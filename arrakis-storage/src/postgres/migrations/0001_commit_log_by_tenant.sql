CREATE INDEX commit_log_by_tenant ON commit_log (tenant, seq)

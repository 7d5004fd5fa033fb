ALTER TABLE commit_log ADD COLUMN action TEXT

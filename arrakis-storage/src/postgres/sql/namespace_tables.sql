SELECT relname::text FROM pg_class
WHERE relnamespace = to_regnamespace($1) AND relkind = 'r' AND relname ~ '^(obj|lnk)_[0-9]+(_v)?$' LIMIT $2

SELECT coalesce(pg_relation_size(to_regclass(quote_ident($1))), 0)

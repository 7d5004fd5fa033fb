SELECT 0 AS kind, space, object_type AS of, n, superseded FROM object_table
UNION ALL SELECT 1, space, link_type, n, superseded FROM link_table
ORDER BY space, kind, of

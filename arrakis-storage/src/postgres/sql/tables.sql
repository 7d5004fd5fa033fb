SELECT t.kind, t.space, t.of, t.n FROM (
  SELECT 0 AS kind, space, object_type AS of, n FROM object_table
  UNION ALL SELECT 1, space, link_type, n FROM link_table
) AS t ORDER BY t.space, t.kind, t.of

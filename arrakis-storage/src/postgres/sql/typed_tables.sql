SELECT h.catalog, t.kind, t.of, t.n
FROM head AS h LEFT JOIN (
  SELECT 0 AS kind, object_type AS of, n FROM object_table WHERE space = $1
  UNION ALL SELECT 1, link_type, n FROM link_table WHERE space = $1
) AS t ON TRUE

WITH RECURSIVE halving (low, high) AS (
  SELECT 0::bigint, seq FROM head
  UNION ALL
  SELECT CASE WHEN is_later THEN low ELSE middle END, CASE WHEN is_later THEN middle - 1 ELSE high END
  FROM halving
  CROSS JOIN LATERAL (SELECT low + (high - low + 1) / 2 AS middle) AS m
  CROSS JOIN LATERAL (SELECT coalesce((SELECT at > $1 FROM commit_log WHERE seq = middle), FALSE) AS is_later) AS l
  WHERE low < high
)
SELECT low FROM halving WHERE low >= high LIMIT 1

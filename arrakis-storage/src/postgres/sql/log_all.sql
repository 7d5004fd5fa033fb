SELECT h.seq, l.seq, l.commit_id, l.tenant, l.at, l.actor, l.reason, l.body
FROM head AS h LEFT JOIN LATERAL (
  SELECT * FROM commit_log WHERE seq > $1 ORDER BY seq LIMIT $2
) AS l ON TRUE ORDER BY l.seq

INSERT INTO relay (name, cursor, epoch, holder, until) VALUES (?1, 0, 1, ?2, ?3)
ON CONFLICT (name) DO UPDATE SET epoch = epoch + 1, holder = excluded.holder, until = excluded.until
WHERE holder IS NULL OR until <= ?4 OR until > ?5
RETURNING epoch, cursor

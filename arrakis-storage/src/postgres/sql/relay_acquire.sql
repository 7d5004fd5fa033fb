INSERT INTO relay AS r (name, cursor, epoch, holder, until)
VALUES ($1, 0, 1, $2, clock_timestamp() + make_interval(secs => $3))
ON CONFLICT (name) DO UPDATE SET epoch = r.epoch + 1, holder = excluded.holder, until = excluded.until
WHERE r.holder IS NULL OR r.until <= clock_timestamp() OR r.until > clock_timestamp() + make_interval(secs => $4)
RETURNING epoch, cursor

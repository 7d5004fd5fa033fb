SELECT name, cursor, epoch, CASE
  WHEN until > clock_timestamp() AND until <= clock_timestamp() + make_interval(secs => $1) THEN holder
END FROM relay ORDER BY name

SELECT name, cursor, epoch, iif(until > ?1 AND until <= ?2, holder, NULL) FROM relay ORDER BY name

SELECT name, cursor, epoch FROM relay ORDER BY name

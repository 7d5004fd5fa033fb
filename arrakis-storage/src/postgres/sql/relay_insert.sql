INSERT INTO relay (name, cursor, epoch, until) VALUES ($1, $2, $3, '-infinity')

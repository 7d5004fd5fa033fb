SELECT name, since, failure, definition FROM pending_index ORDER BY since, name

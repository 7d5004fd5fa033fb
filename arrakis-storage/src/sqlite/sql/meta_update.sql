UPDATE meta SET cursor_key = ?1

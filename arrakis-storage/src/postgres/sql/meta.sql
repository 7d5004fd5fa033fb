SELECT cursor_key FROM meta

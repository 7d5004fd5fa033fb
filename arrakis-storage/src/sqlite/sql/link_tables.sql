SELECT link_type FROM link_table WHERE space = ?1

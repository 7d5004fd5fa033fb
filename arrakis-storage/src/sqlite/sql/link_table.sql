SELECT n, since, superseded FROM link_table WHERE space = ?1 AND link_type = ?2

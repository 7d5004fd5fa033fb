SELECT n, since, superseded FROM object_table WHERE space = ?1 AND object_type = ?2

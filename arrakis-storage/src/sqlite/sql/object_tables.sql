SELECT object_type FROM object_table WHERE space = ?1

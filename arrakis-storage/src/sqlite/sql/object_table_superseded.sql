UPDATE object_table SET superseded = 1 WHERE n = ?1

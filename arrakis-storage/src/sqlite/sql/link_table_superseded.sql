UPDATE link_table SET superseded = ?2 WHERE n = ?1

UPDATE relay SET cursor = ?3 WHERE name = ?1 AND epoch = ?2 AND holder IS NOT NULL AND until > ?4 AND until <= ?5

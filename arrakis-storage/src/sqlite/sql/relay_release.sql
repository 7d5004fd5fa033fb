UPDATE relay SET holder = NULL WHERE name = ?1 AND epoch = ?2

UPDATE relay SET cursor = $3
WHERE name = $1 AND epoch = $2 AND holder IS NOT NULL
  AND until > clock_timestamp() AND until <= clock_timestamp() + make_interval(secs => $4)

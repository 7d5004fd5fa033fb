CREATE FUNCTION arrakis_start_of_timestamp(unit bigint, micros bigint)
RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN unit = 0 THEN micros - (micros % 3600000000 + 3600000000) % 3600000000
  ELSE 86400000000 * arrakis_start_of_date(
    unit,
    (micros - (micros % 86400000000 + 86400000000) % 86400000000) / 86400000000
  )
END

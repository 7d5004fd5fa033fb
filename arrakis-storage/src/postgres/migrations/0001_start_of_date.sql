CREATE FUNCTION arrakis_start_of_date(unit bigint, days bigint)
RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
  WHEN unit < 2 THEN days
  WHEN unit = 2 THEN days - ((days + 3) % 7 + 7) % 7
  ELSE date_trunc(
    CASE unit WHEN 3 THEN 'month' WHEN 4 THEN 'quarter' ELSE 'year' END,
    (date '1970-01-01' + days::integer)::timestamp
  )::date - date '1970-01-01'
END

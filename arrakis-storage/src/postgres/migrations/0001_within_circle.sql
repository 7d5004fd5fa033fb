CREATE FUNCTION arrakis_within_circle(
  lat double precision, lon double precision,
  center_lat double precision, center_lon double precision, radius_m double precision
) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(
  12742017.6::double precision * asin(least(sqrt(
    sin((lat * 0.017453292519943295 - center_lat * 0.017453292519943295) / 2)
      * sin((lat * 0.017453292519943295 - center_lat * 0.017453292519943295) / 2)
    + cos(center_lat * 0.017453292519943295) * cos(lat * 0.017453292519943295)
      * sin((lon - center_lon) * 0.017453292519943295 / 2)
      * sin((lon - center_lon) * 0.017453292519943295 / 2)
  ), 1)) <= radius_m,
  false
)

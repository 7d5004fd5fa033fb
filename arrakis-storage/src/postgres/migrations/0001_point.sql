CREATE FUNCTION arrakis_point(lat double precision, lon double precision)
RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN float8send(lat) || float8send(lon)

CREATE FUNCTION arrakis_array_contains(list text, element text)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN EXISTS (SELECT 1 FROM json_array_elements(list::json) AS e (value) WHERE e.value::text = element)

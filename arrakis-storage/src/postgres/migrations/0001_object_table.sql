CREATE TABLE object_table (
  n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  space uuid NOT NULL REFERENCES space (id),
  object_type bigint NOT NULL,
  since bigint NOT NULL,
  UNIQUE (space, object_type)
)

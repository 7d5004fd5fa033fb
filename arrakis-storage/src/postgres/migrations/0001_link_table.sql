CREATE TABLE link_table (
  n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  space uuid NOT NULL REFERENCES space (id),
  link_type bigint NOT NULL,
  since bigint NOT NULL,
  UNIQUE (space, link_type)
)

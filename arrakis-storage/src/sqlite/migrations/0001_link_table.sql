CREATE TABLE link_table (
  n INTEGER PRIMARY KEY,
  space BLOB NOT NULL REFERENCES space (id),
  link_type INTEGER NOT NULL,
  superseded INTEGER NOT NULL DEFAULT 0,
  UNIQUE (space, link_type)
) STRICT

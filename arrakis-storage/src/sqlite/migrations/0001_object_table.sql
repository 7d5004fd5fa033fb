CREATE TABLE object_table (
  n INTEGER PRIMARY KEY,
  space BLOB NOT NULL REFERENCES space (id),
  object_type INTEGER NOT NULL,
  superseded INTEGER NOT NULL DEFAULT 0,
  UNIQUE (space, object_type)
) STRICT

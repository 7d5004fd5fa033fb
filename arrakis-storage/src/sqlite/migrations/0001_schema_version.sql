CREATE TABLE schema_version (
  space BLOB NOT NULL REFERENCES space (id),
  version INTEGER NOT NULL,
  hash BLOB NOT NULL,
  seq INTEGER NOT NULL,
  document TEXT NOT NULL,
  PRIMARY KEY (space, version)
) WITHOUT ROWID, STRICT

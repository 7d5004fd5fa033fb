CREATE TABLE schema_version (
  space uuid NOT NULL REFERENCES space (id),
  version integer NOT NULL,
  hash bytea NOT NULL,
  seq bigint NOT NULL,
  document text NOT NULL,
  PRIMARY KEY (space, version)
)

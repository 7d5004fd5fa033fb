CREATE TABLE meta (
  id smallint PRIMARY KEY CHECK (id = 1),
  instance uuid NOT NULL,
  cursor_key bytea NOT NULL
)

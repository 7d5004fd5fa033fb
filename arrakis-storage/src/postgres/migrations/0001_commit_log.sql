CREATE TABLE commit_log (
  seq bigint PRIMARY KEY,
  commit_id uuid NOT NULL UNIQUE,
  tenant uuid NOT NULL,
  at bigint NOT NULL,
  actor text NOT NULL,
  reason text,
  action text,
  body text NOT NULL
)

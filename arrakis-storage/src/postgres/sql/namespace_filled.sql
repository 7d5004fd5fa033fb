SELECT EXISTS (SELECT 1 FROM pg_class WHERE relnamespace = to_regnamespace($1))
  OR EXISTS (SELECT 1 FROM pg_proc WHERE pronamespace = to_regnamespace($1))
  OR EXISTS (SELECT 1 FROM pg_type WHERE typnamespace = to_regnamespace($1))

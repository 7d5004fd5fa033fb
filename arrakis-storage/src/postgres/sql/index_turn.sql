SELECT pg_try_advisory_lock(6386283, hashtext(current_schema()))

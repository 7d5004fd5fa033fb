WITH appended AS (
  INSERT INTO commit_log (seq, commit_id, tenant, at, actor, reason, action, body)
  SELECT * FROM UNNEST($1::bigint[], $2::uuid[], $3::uuid[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[])
)
UPDATE head SET seq = $9, at = $10, catalog = greatest(catalog, $11)

-- Clean users of posts: first and last name become one name, null when either is missing or blank.
SELECT
  _record,
  ind,
  CASE
    WHEN regexp_extract(first_name, '([^ \t\n\x0B\f\r])', 1) <> ''
      AND regexp_extract(last_name, '([^ \t\n\x0B\f\r])', 1) <> '' THEN first_name || ' ' || last_name
  END AS user_name,
  age,
  date_joined,
  CAST(NULL AS STRING) AS bad_reason
FROM raw_user

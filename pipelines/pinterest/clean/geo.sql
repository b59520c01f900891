-- Clean places of posts: blank countries become null, latitude and longitude one array, null when either is missing.
SELECT
  _record,
  ind,
  CASE WHEN regexp_extract(country, '([^ \t\n\x0B\f\r])', 1) <> '' THEN country END AS country,
  CASE
    WHEN latitude IS NOT NULL AND longitude IS NOT NULL THEN make_array(latitude, longitude)
  END AS coordinates,
  "timestamp",
  CAST(NULL AS STRING) AS bad_reason
FROM raw_geo

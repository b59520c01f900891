-- Clean pins: placeholders and blank text become null, follower counts whole numbers, save locations plain paths.
-- Blank means ASCII white space only; a value is a placeholder only as a whole.
-- A follower count is put together as text (digits, then the fraction filled up with zeros), so it is exact, and
-- ten digits after the leading zeros are more than an INT holds, so it cannot overflow.
SELECT
  _record,
  ind,
  CASE WHEN regexp_extract(unique_id, '([^ \t\n\x0B\f\r])', 1) <> '' THEN unique_id END AS unique_id,
  CASE
    WHEN title <> 'No Title Data Available' AND regexp_extract(title, '([^ \t\n\x0B\f\r])', 1) <> '' THEN title
  END AS title,
  CASE
    WHEN description NOT IN ('No description available Story format', 'No description available', 'Untitled')
      AND regexp_extract(description, '([^ \t\n\x0B\f\r])', 1) <> '' THEN description
  END AS description,
  CASE WHEN followers <= 2147483647 THEN CAST(followers AS INT) END AS follower_count,
  CASE
    WHEN poster_name <> 'User Info Error' AND regexp_extract(poster_name, '([^ \t\n\x0B\f\r])', 1) <> '' THEN poster_name
  END AS poster_name,
  CASE
    WHEN tag_list <> 'N,o, ,T,a,g,s, ,A,v,a,i,l,a,b,l,e'
      AND regexp_extract(tag_list, '([^ \t\n\x0B\f\r])', 1) <> '' THEN tag_list
  END AS tag_list,
  CASE
    WHEN regexp_extract(is_image_or_video, '([^ \t\n\x0B\f\r])', 1) <> '' THEN is_image_or_video
  END AS is_image_or_video,
  CASE
    WHEN image_src <> 'Image src error.' AND regexp_extract(image_src, '([^ \t\n\x0B\f\r])', 1) <> '' THEN image_src
  END AS image_src,
  nullif(location, '') AS save_location,
  CASE WHEN regexp_extract(category, '([^ \t\n\x0B\f\r])', 1) <> '' THEN category END AS category,
  CASE
    WHEN follower_count <> 'User Info Error' AND regexp_extract(follower_count, '([^ \t\n\x0B\f\r])', 1) <> ''
      AND coalesce(followers, 2147483648) > 2147483647 THEN 'follower_count'
  END AS bad_reason
FROM (
  SELECT
    *,
    coalesce(
      TRY_CAST(regexp_extract(follower_count, '^0*([0-9]{1,10})\z', 1) AS BIGINT),
      TRY_CAST(
        nullif(regexp_extract(follower_count, '^0*([0-9]{1,10})([.][0-9]{1,3}0*)?[kK]\z', 1), '')
        || rpad(regexp_extract(follower_count, '^[0-9]+[.]([0-9]{1,3})0*[kK]\z', 1), 3, '0') AS BIGINT
      ),
      TRY_CAST(
        nullif(regexp_extract(follower_count, '^0*([0-9]{1,10})([.][0-9]{1,6}0*)?[mM]\z', 1), '')
        || rpad(regexp_extract(follower_count, '^[0-9]+[.]([0-9]{1,6})0*[mM]\z', 1), 6, '0') AS BIGINT
      )
    ) AS followers,
    translate(
      CASE WHEN save_location LIKE 'Local save in %' THEN substr(save_location, 15) ELSE save_location END,
      ' ' || chr(9) || chr(10) || chr(11) || chr(12) || chr(13),
      ''
    ) AS location
  FROM raw_pin
) AS counted

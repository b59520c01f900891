-- Median follower count by joining year, 2015 to 2020
SELECT post_year, CAST(median(follower_count) AS DOUBLE) AS median_follower_count
FROM (
  SELECT CAST(year(profile.date_joined) AS INT) AS post_year, pin.follower_count
  FROM pin JOIN "user" AS profile ON profile.ind = pin.ind
  WHERE pin.follower_count IS NOT NULL
) AS posts
WHERE post_year BETWEEN 2015 AND 2020
GROUP BY post_year
ORDER BY post_year, median_follower_count

-- Median follower count of each age group
SELECT age_group, CAST(median(follower_count) AS DOUBLE) AS median_follower_count
FROM (
  SELECT
    CASE
      WHEN profile.age BETWEEN 18 AND 24 THEN '18-24'
      WHEN profile.age BETWEEN 25 AND 35 THEN '25-35'
      WHEN profile.age BETWEEN 36 AND 50 THEN '36-50'
      WHEN profile.age > 50 THEN '50+'
    END AS age_group,
    pin.follower_count
  FROM pin JOIN "user" AS profile ON profile.ind = pin.ind
  WHERE pin.follower_count IS NOT NULL
) AS posts
WHERE age_group IS NOT NULL
GROUP BY age_group
ORDER BY age_group, median_follower_count

-- Median follower count by age group and joining year, 2015 to 2020
SELECT age_group, post_year, CAST(median(follower_count) AS DOUBLE) AS median_follower_count
FROM (
  SELECT
    CASE
      WHEN profile.age BETWEEN 18 AND 24 THEN '18-24'
      WHEN profile.age BETWEEN 25 AND 35 THEN '25-35'
      WHEN profile.age BETWEEN 36 AND 50 THEN '36-50'
      WHEN profile.age > 50 THEN '50+'
    END AS age_group,
    CAST(year(profile.date_joined) AS INT) AS post_year,
    pin.follower_count
  FROM pin JOIN "user" AS profile ON profile.ind = pin.ind
  WHERE pin.follower_count IS NOT NULL
) AS posts
WHERE age_group IS NOT NULL AND post_year BETWEEN 2015 AND 2020
GROUP BY age_group, post_year
ORDER BY age_group, post_year, median_follower_count

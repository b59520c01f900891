-- Most popular category of each age group
-- ties: age_group, category_count
SELECT age_group, category, category_count
FROM (
  SELECT age_group, category, category_count, rank() OVER (PARTITION BY age_group ORDER BY category_count DESC) AS place
  FROM (
    SELECT age_group, category, count(*) AS category_count
    FROM (
      SELECT
        CASE
          WHEN profile.age BETWEEN 18 AND 24 THEN '18-24'
          WHEN profile.age BETWEEN 25 AND 35 THEN '25-35'
          WHEN profile.age BETWEEN 36 AND 50 THEN '36-50'
          WHEN profile.age > 50 THEN '50+'
        END AS age_group,
        pin.category
      FROM pin JOIN "user" AS profile ON profile.ind = pin.ind
      WHERE pin.category IS NOT NULL
    ) AS posts
    WHERE age_group IS NOT NULL
    GROUP BY age_group, category
  ) AS counted
) AS ranked
WHERE place = 1
ORDER BY age_group, category, category_count DESC

-- Most popular category in each country
-- ties: country, category_count
SELECT country, category, category_count
FROM (
  SELECT country, category, category_count, rank() OVER (PARTITION BY country ORDER BY category_count DESC) AS place
  FROM (
    SELECT geo.country, pin.category, count(*) AS category_count
    FROM pin JOIN geo ON geo.ind = pin.ind
    WHERE geo.country IS NOT NULL AND pin.category IS NOT NULL
    GROUP BY geo.country, pin.category
  ) AS counted
) AS ranked
WHERE place = 1
ORDER BY country, category, category_count DESC

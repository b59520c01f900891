-- Most popular category each year, 2018 to 2022
-- ties: post_year, category_count
SELECT post_year, category, category_count
FROM (
  SELECT post_year, category, category_count, rank() OVER (PARTITION BY post_year ORDER BY category_count DESC) AS place
  FROM (
    SELECT post_year, category, count(*) AS category_count
    FROM (
      SELECT CAST(year(geo."timestamp") AS INT) AS post_year, pin.category
      FROM pin JOIN geo ON geo.ind = pin.ind
      WHERE pin.category IS NOT NULL
    ) AS posts
    WHERE post_year BETWEEN 2018 AND 2022
    GROUP BY post_year, category
  ) AS counted
) AS ranked
WHERE place = 1
ORDER BY post_year, category, category_count DESC

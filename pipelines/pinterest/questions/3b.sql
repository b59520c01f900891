-- Country or countries with the most-followed poster
-- ties: follower_count
SELECT country, follower_count
FROM (
  SELECT country, follower_count, rank() OVER (ORDER BY follower_count DESC) AS place
  FROM (
    SELECT geo.country, max(pin.follower_count) AS follower_count
    FROM pin JOIN geo ON geo.ind = pin.ind
    WHERE geo.country IS NOT NULL AND pin.follower_count IS NOT NULL
    GROUP BY geo.country
  ) AS countries
) AS ranked
WHERE place = 1
ORDER BY country, follower_count DESC

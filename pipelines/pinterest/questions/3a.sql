-- Most-followed poster or posters of each country
-- A poster counts once, with the highest count it had there. Posts whose poster's name is unknown count as one
-- poster: leaving them out would put another at the top.
-- ties: country, follower_count
SELECT country, poster_name, follower_count
FROM (
  SELECT country, poster_name, follower_count, rank() OVER (PARTITION BY country ORDER BY follower_count DESC) AS place
  FROM (
    SELECT geo.country, pin.poster_name, max(pin.follower_count) AS follower_count
    FROM pin JOIN geo ON geo.ind = pin.ind
    WHERE geo.country IS NOT NULL AND pin.follower_count IS NOT NULL
    GROUP BY geo.country, pin.poster_name
  ) AS posters
) AS ranked
WHERE place = 1
ORDER BY country, poster_name, follower_count DESC

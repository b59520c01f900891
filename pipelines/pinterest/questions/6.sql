-- Users who joined each year, 2015 to 2020
-- A user posts more than once, so users are told apart by name, age and joining date.
SELECT post_year, count(*) AS number_users_joined
FROM (
  SELECT DISTINCT user_name, age, date_joined, CAST(year(date_joined) AS INT) AS post_year
  FROM "user"
) AS profiles
WHERE post_year BETWEEN 2015 AND 2020
GROUP BY post_year
ORDER BY post_year, number_users_joined DESC

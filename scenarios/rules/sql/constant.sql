figures AS (SELECT {columns}, value AS figure FROM (SELECT newest.*, {alone}
    FROM newest) AS compared)

CASE :difference
        WHEN 'gap' THEN round(value - other, 9)
        WHEN 'percent' THEN round(round((value - other) * 100, 40) / nullif(abs(other), 0), 9)
        WHEN 'share' THEN round(round(value * 100, 40) / nullif(other, 0), 9)
    END

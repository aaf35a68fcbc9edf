-- One server alone uses an SQLite file: nobody else has to be told what has changed.
SELECT 1;

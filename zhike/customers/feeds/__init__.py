"""The core system's nightly files (数据下发): customers, holdings, maturities, ratings, by core customer number.

A file counts when its flag lies beside it (``customers.csv.ok``) and its control totals are met. What the core system owns
is written over; what an RM learned is not: there the difference is kept and shown.
"""

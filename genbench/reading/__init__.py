"""Files and objects of a user as arrays.

They are text tables, NumPy and Parquet files, folders of images, and data frames.
"""

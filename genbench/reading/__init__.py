"""Files and objects of a user as arrays: text tables, NumPy and Parquet files, folders of images, data frames."""

"""What `automodel export` makes stands on this: the predictor, copied as it is, and the jobs that look for parity."""

"""Train one model with several workers: split data, split layers, share parameters."""

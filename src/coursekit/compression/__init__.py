"""Make a trained network smaller: prune, share, quantize, code, factorize."""

"""What ``benchmarks/sweep.py`` compares: cases, and everything that can train them."""

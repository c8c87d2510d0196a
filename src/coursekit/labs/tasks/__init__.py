"""The exercises of every lab, one a file."""

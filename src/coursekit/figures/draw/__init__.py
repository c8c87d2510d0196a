"""Draw curves, cells and rows on matplotlib axes, in the looks of the book."""

r"""What the stored figures are made of: one file a chapter, each with its `RECIPES`.

A new file in this folder is found by itself.
"""

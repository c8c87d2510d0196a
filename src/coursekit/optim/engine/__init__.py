"""Run a rule fast: nothing here says what a method is, and all of it may be left out.

Two ways stand beside the rule itself, and are tested to be equal to it:

- ``fused``: torch's own kernels, where they say what the rule says;
- ``passes``: the rule's own source, called with terms (``term``) in the place of
  tensors, so that a sum of products is one walk over memory instead of three.

Both work on vectors (``vector``): small tensors joined, long ones in pieces that stay
in the cache.
"""

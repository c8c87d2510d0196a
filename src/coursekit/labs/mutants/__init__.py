"""Typical wrong answers, one file an exercise.

They prove that a check catches them, and they tell a student what an answer behaves
like.  Each has the signature of its exercise.
"""

r"""Grade a folder of notebooks whose code nobody has to trust.

The *coordinator* (`grade`) reads notebooks, draws hidden cases, compares and writes
grades.  The student's code runs in a *worker* inside bubblewrap and is asked for
values, one call at a time, over one socket::

    coordinator                                   bubblewrap: no network, no files
    read_submission ── cell sources ───────────▶  worker: run the cells
    Exercise.examine ─ inputs (JSON + bytes) ──▶  call the student's function
      compare, mutants ◀─ plain values ─────────  encode what it returned
    gradebook.db, grades.csv, feedback/*.html

What crosses the line inwards is source text and inputs; outwards, values.  Expected
values, comparisons, mutants, the course secret and the verdict stay on the left, so
that nothing on the right can be patched into a better grade.

Modules, and on which side each runs:

`wire` (both)
    frames: length-prefixed JSON with raw tensor bytes, all sizes capped
`cells`, `worker` (inside)
    choose, clean and run the cells; answer calls
`zygote`, `namespaces` (inside)
    fork a worker; give up what it may not keep
`pool`, `supply`, `sandbox`, `cgroup`, `doctor` (outside)
    have workers forked or started, and end them; say what this machine gives
`remote`, `examinee`, `reply` (outside)
    a `Caller` for `Exercise.examine`; time limits and restarts; what a worker claims
`prepared`, `task`, `crew` (outside)
    draw the cases once; one grading as a task; many at once, bounded and mended
`collect`, `export` (outside)
    from and to learning systems
`submission`, `secret`, `draws` (outside)
    read a notebook; draw the hidden cases, anew when graded again
`outcome`, `examine` (outside)
    grade one submission into a named status
`race`, `plot` (outside)
    have the open task raced inside; draw what came out
`gradebook`, `feedback`, `hints`, `items`, `table` (outside)
    write what came out
`late`, `times`, `deadline` (outside)
    what being late costs, when things came, and both in the gradebook
`database`, `results` (outside)
    where the gradebook lies; write the results from it
`run` (outside)
    the whole folder, resumable
"""

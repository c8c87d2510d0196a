"""What the chapter on batch size promises."""

ITEMS = [f"BATCH-{k:02d}" for k in range(1, 26)]
CORRECTIONS = ["K-10", "K-11", "K-12", "K-13", "K-14", "K-77"]
HOLD = [
    *["BATCH-02a", "BATCH-10a", "BATCH-15a", "BATCH-20a", "BATCH-25a"],
    *["E-6a1", "E-6a2", "E-6a3", "E-6a4", "E-6b", "E-6c", "E-6d", "E-6e"],
    *["E-7a", "E-7b", "E-7c", "E-8a", "E-8b", "E-9a", "K-12a"],
]
OPEN = ["BATCH-22a", "E-31a"]
VERDICTS = dict.fromkeys(HOLD, "holds") | dict.fromkeys(OPEN, "inconclusive")
FIGURES = {
    "batch-spread": (11, "mean squared miss"),
    "batch-budget": (11, "training also only 0.7"),
    "batch-wells": (11, "The narrow minimum loses 1"),
    "batch-lars": (11, "Of 7 rates 2 work"),
}

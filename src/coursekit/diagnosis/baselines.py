r"""Hold what simple models reached, as a table and as a reference.

A training loss is high or low only in comparison. A network whose training loss
stays *above* that of a linear model, which it could imitate, has a problem of
optimization; one that does as well as everything else and no better may have
reached what the features allow, and equal losses prove nothing. The test losses
say nothing about either.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from .._validate import check_in
from . import tree

__all__ = ["Baseline", "Baselines"]


@dataclass(frozen=True)
class Baseline:
    r"""Hold the scores of one simple model.

    Attributes:
        name: What it is called: constant, linear, svm, neighbours, mlp.
        words: What it is.
        train_loss: L on the training set, in nats, or squared units.
        test_loss: L on the test set.
        train_score: Accuracy on the training set, or R² for numbers.
        test_score: Accuracy or R² on the test set.
    """

    name: str
    words: str
    train_loss: float
    test_loss: float
    train_score: float
    test_score: float


@dataclass(frozen=True)
class Baselines:
    r"""Hold the table; a notebook shows it as one.

    Attributes:
        rows: One baseline a row.
        task: ``"classes"`` or ``"numbers"``.
    """

    rows: tuple[Baseline, ...]
    task: str

    def __getitem__(self, name: str) -> Baseline:
        """Return a row by its name.

        Args:
            name: constant, linear, svm, neighbours or mlp.

        Returns:
            The row.

        Raises:
            ValueError: If there is none of that name.
        """
        check_in("name", name, [row.name for row in self.rows])
        return next(row for row in self.rows if row.name == name)

    def diagnose(
        self,
        train: float,
        test: float,
        *,
        within: Sequence[str] = ("constant", "linear"),
        tol: float = 0.1,
    ) -> tree.Diagnosis:
        r"""Diagnose a model's losses with the baselines as the reference.

        Args:
            train: Training loss of the model, in the unit of the table.
            test: Its test loss.
            within: Baselines that the model can imitate: a hidden layer or
                two contain the linear ones; add ``"mlp"`` for a wider net.
                Neighbours and SVM are no part of a network, whatever they
                reach.
            tol: Tolerance of ``diagnose``.

        Returns:
            The leaf of the decision tree.

        Raises:
            ValueError: If a name or a number does not fit.
        """
        return tree.diagnose(train, test, self._best(within).train_loss, tol=tol)

    def sentence(
        self,
        train: float,
        test: float,
        *,
        within: Sequence[str] = ("constant", "linear"),
        tol: float = 0.1,
    ) -> str:
        r"""Say what the table means for a model's losses.

        Args:
            train: Training loss of the model.
            test: Its test loss.
            within: Baselines that the model can imitate.
            tol: Tolerance of ``diagnose``.

        Returns:
            Two or three sentences: the comparison, the diagnosis, the advice.

        Raises:
            ValueError: If a name or a number does not fit.
        """
        best = self._best(within)
        leaf = self.diagnose(train, test, within=within, tol=tol)
        side = "above" if train > best.train_loss else "not above"
        return (
            f"The training loss {train:.3g} is {side} the {best.train_loss:.3g} of "
            f"{best.words}, which the model can imitate. Diagnosis: {leaf}. "
            f"{leaf.advice}"
        )

    def _best(self, within: Sequence[str]) -> Baseline:
        names = [within] if isinstance(within, str) else list(within)
        if not names:
            raise ValueError("within: expected at least one baseline, got none")
        return min((self[name] for name in names), key=lambda row: row.train_loss)

    def _table(self) -> list[tuple[str, ...]]:
        loss, score = ("loss", "accuracy")
        if self.task == "numbers":
            loss, score = ("squared error", "R²")
        head = ("baseline", f"train {loss}", f"test {loss}")
        rows = [
            (
                row.words,
                *(f"{v:.3f}" for v in (row.train_loss, row.test_loss)),
                *(f"{v:.3f}" for v in (row.train_score, row.test_score)),
            )
            for row in self.rows
        ]
        return [(*head, f"train {score}", f"test {score}"), *rows]

    def __str__(self) -> str:
        table = self._table()
        widths = [max(len(row[j]) for row in table) for j in range(5)]
        return "\n".join(
            "  ".join(
                cell.rjust(width) if j else cell.ljust(width)
                for j, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in table
        )

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head, *rows = self._table()
        cells = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
        body = "".join(
            f'<tr><th scope="row">{escape(row[0])}</th>'
            + "".join(f"<td>{cell}</td>" for cell in row[1:])
            + "</tr>"
            for row in rows
        )
        return f"<table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>"

"""A finished picture: what a notebook's cell returns and Jupyter shows."""

from dataclasses import dataclass, field

from matplotlib.figure import Figure

from workshop.notebooks.pictures import style


@dataclass(frozen=True, slots=True, repr=False)
class Picture:
    """A PNG with words that say what it shows.

    The words are what a screen reader reads, and what nbval compares between two runs (it skips
    PNGs): they hold no ids, times or measured figures.
    """

    png: bytes = field(compare=False)
    width: int
    """CSS pixels; the PNG has twice as many, to be sharp."""
    height: int
    words: str

    @classmethod
    def of(cls, figure: Figure, words: str) -> "Picture":
        """Draw a figure of `look.figure`."""
        inch = style.POINTS_TO_THE_INCH
        width, height = (round(side * inch) for side in figure.get_size_inches())
        return cls(style.png(figure), width, height, f"Picture: {words}")

    def __repr__(self) -> str:
        return self.words

    def _repr_png_(self) -> tuple[bytes, dict[str, int | str]]:
        """Return what Jupyter shows: the image, its size on the page, and its words."""
        return self.png, {"width": self.width, "height": self.height, "alt": self.words}

"""A finished picture: a notebook's cell returns it, and Jupyter shows it."""

from dataclasses import dataclass, field

from matplotlib.figure import Figure

from workshop.notebooks.pictures import style


@dataclass(frozen=True, slots=True, repr=False)
class Picture:
    """A PNG with a text that describes it.

    Screen readers read the text, and nbval compares it between two runs (it skips PNGs). So it
    contains no ids, times or measured values.
    """

    png: bytes = field(compare=False)
    width: int
    """CSS pixels; the PNG has twice as many, so that it is sharp."""
    height: int
    words: str

    @classmethod
    def of(cls, figure: Figure, words: str) -> "Picture":
        """Return a figure of `style.figure` as a picture.

        Args:
            figure: The drawn figure.
            words: The text that describes it.
        """
        inch = style.POINTS_TO_THE_INCH
        width, height = (round(side * inch) for side in figure.get_size_inches())
        return cls(style.png(figure), width, height, f"Picture: {words}")

    def __repr__(self) -> str:
        return self.words

    def _repr_png_(self) -> tuple[bytes, dict[str, int | str]]:
        """Return what Jupyter shows: the image, its size on the page, and its text."""
        return self.png, {"width": self.width, "height": self.height, "alt": self.words}


@dataclass(frozen=True, slots=True, repr=False)
class Drawing:
    """An SVG with a text that describes it: `notebooks/sanitise.cfg` leaves the SVG out."""

    svg: str = field(compare=False)
    words: str
    """Without ids, times and measured values."""

    def __repr__(self) -> str:
        return f"Picture: {self.words}"

    def _repr_svg_(self) -> str:
        """Return what Jupyter shows."""
        return self.svg

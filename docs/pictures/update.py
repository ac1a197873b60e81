"""Picture of the README, made of the plot that its two commands draw: ``python docs/pictures/update.py``."""

from __future__ import annotations

from pathlib import Path

PICTURE = Path(__file__).parent / "before_after.png"
#: the plot in the folder of ``law run PlotTemplates --version v1``
PLOT = "baseline/mll_vs_nominal.png"
WIDTH, COLOURS = 640, 48


def reduced(plot: Path, target: Path) -> None:
    """Write a plot with fewer points and colours, for a page that loads quickly."""
    from PIL import Image

    with Image.open(plot) as picture:
        size = WIDTH, round(picture.height * WIDTH / picture.width)
        small = picture.convert("RGB").resize(size, Image.Resampling.LANCZOS)
        small.quantize(COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(target, optimize=True)


if __name__ == "__main__":
    from tasks import find

    reduced(find("PlotTemplates", version="v1").path / PLOT, PICTURE)

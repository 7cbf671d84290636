"""PLINK's ``.bed``: genotypes in 2 bits, variant by variant.

Source: the format's description in the documentation of PLINK 1.9. Three magic bytes are followed,
for every variant, by the samples' codes, four a byte and the first one in the lowest bits: 0 stands
for two copies of the first allele, 1 for a missing genotype, 2 for one copy, 3 for none.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from strads.datasets.mapped.held import FilePart, HeldFile
from strads.datasets.mapped.matrix import MappedMatrix
from strads.engine import DataError

#: The first bytes of a file that holds variant after variant.
MAGIC = bytes((0x6C, 0x1B, 0x01))
#: Copies of the first allele, by code.
COPIES = (2.0, 0.0, 1.0, 0.0)


def map_genotypes(path: Path) -> MappedMatrix:
    """Map a ``.bed`` file; its ``.fam`` and ``.bim`` say how many samples and variants it has.

    Raises
    ------
    DataError
        If a file is missing, or the three do not fit together.
    """
    file = HeldFile(path)
    samples, variants = (_lines(path.with_suffix(end)) for end in (".fam", ".bim"))
    with path.open("rb") as opened:
        magic = opened.read(3)
    if magic != MAGIC:
        raise DataError(
            f"{path} does not begin like a .bed file that holds variant after variant; "
            "`plink --make-bed` writes one"
        )
    width = -(-samples // 4)
    needed = len(MAGIC) + width * variants
    if samples == 0 or variants == 0 or file.identity.nbytes != needed:
        raise DataError(
            f"{path} has {file.identity.nbytes:,} bytes; {samples:,} samples (.fam) of "
            f"{variants:,} variants (.bim) take {needed:,}; are the three files of one data set?"
        )
    codes = FilePart(file, len(MAGIC), width * variants, np.dtype(np.uint8))
    levels = np.zeros(256)
    levels[:4] = COPIES
    return MappedMatrix(
        (samples, variants), by_columns=True, files=[file.identity], numbers=codes,
        starts=width * np.arange(variants + 1, dtype=np.int64), levels=levels, genotypes=True,
    )  # fmt: skip


def _lines(path: Path) -> int:
    """Count the lines of a file that are not empty."""
    try:
        with path.open("rb") as file:
            return sum(1 for line in file if line.strip())
    except OSError as error:
        raise DataError(f"{path} is needed beside the .bed file ({error.strerror})") from error

"""``python -m evals.sample FOLDER`` writes the sample below the folder."""

import sys
from pathlib import Path

from evals.sample import write_sample

if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m evals.sample FOLDER")
    write_sample(Path(sys.argv[1]))

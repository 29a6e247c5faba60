"""What a person sees while articles are extracted: a bar on a terminal, now and then a line in a log.

Articles are counted; the time left is told by the bytes of the inputs, because nobody knows how many
articles a table holds before it is read. Articles come in bursts (the extractor collects windows), so a
log's line is printed when one begins, and tells how things stood when the last one ended.
"""

from __future__ import annotations

import sys
from time import monotonic

from tqdm import tqdm

PAUSE = 30.0  # seconds between the lines of a log
BURST = 1.0  # seconds without an article before a burst
BAR = "{percentage:3.0f}%|{bar}| {desc} [{elapsed}, {remaining} left]"


class Progress:
    """Articles done, out of inputs of so many bytes; nothing is known of the whole when that is 0."""

    def __init__(self, size: int) -> None:
        self._size, self._bytes, self._articles = size, 0, 0
        self._start = self._said = self._last = monotonic()
        self._bar = tqdm(total=size or None, bar_format=BAR, smoothing=0, disable=None, leave=False)

    def advance(self, size: int) -> None:
        """Another article, of so many bytes."""
        now = monotonic()
        silence = now - self._said
        # On a fast machine there may be no time between bursts.
        begins = now - self._last >= BURST or silence >= 2 * PAUSE
        if not self._articles:
            self._said = now
        elif self._bar.disable and silence >= PAUSE and begins:
            self._said = now
            print(self, file=sys.stderr, flush=True)
        self._articles += 1
        self._last = now
        self.settle(min(self._bytes + size, self._size))

    def settle(self, size: int) -> None:
        """So many bytes of the inputs are done with."""
        self._bytes = size
        if not self._bar.disable:
            self._bar.set_description_str(self._count(), refresh=False)
            self._bar.update(size - self._bar.n)

    def close(self) -> None:
        """Take the bar away."""
        self._bar.close()

    def __str__(self) -> str:
        left = ""
        if 0 < self._bytes < self._size:
            seconds = (self._last - self._start) * (self._size - self._bytes) / self._bytes
            left = f", about {tqdm.format_interval(seconds)} left"
        return self._count() + left

    def _count(self) -> str:
        rate = self._articles / max(self._last - self._start, 1e-9)
        noun = "article" if self._articles == 1 else "articles"
        return f"{self._articles} {noun}, {rate:.1f} a second"

"""Reads a list that comes in pages, of any size and in any order, while rows are added to it.

A server may send shorter pages than requested, or longer ones, and it may ignore at which row a
page should begin. Two rows may be the same in every field and still be two: the parts of a position
that is closed in two steps have the same ticket. And a row that is added in front between two
requests moves the rows behind it, so that a page begins with rows that the last one had already.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from widget.errors import Unreadable

Item = TypeVar("Item")

FULL_PAGE_ROWS = 1000
"""Fewer rows than this are added between two requests. A server that sends this many known rows
again ignores where the page should begin."""

MAX_KNOWN_PAGES = 3
"""After this number of possible repetitions in a row, the list has ended."""


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """A page of a list.

    Attributes:
        items: what its rows mean. Rows without a meaning for the caller have no item.
        row_count: the number of its rows, including those.
        body: what the server sent.
    """

    items: tuple[Item, ...]
    row_count: int
    body: bytes


class PageReader(Generic[Item]):
    """Reads all pages of one list, if fewer rows are added between two requests than a page has.

    Args:
        fetch: gives the page that begins at a row. It is also called for a row again, to find out
            whether rows have moved.
        max_bytes: the maximum size of all pages together.
    """

    def __init__(self, fetch: Callable[[int], Page[Item]], max_bytes: int) -> None:
        self._fetch = fetch
        self._max_bytes = max_bytes
        self._bytes = 0
        self._items: list[Item] = []
        # To recognize pages without a new row: items, and the bodies of pages without items.
        self._known_items: set[Item] = set()
        self._known_bodies: set[bytes] = set()
        self._first_page_rows = 0
        # How many pages without a new row came last, and how many items there were before them.
        self._known_pages = 0
        self._certain_items = 0

    def read(self) -> list[Item]:
        """All items, each as often as the list has it.

        Raises:
            Unreadable: the pages are too large.
        """
        begin = 0
        page = self._fetch(begin)
        self._first_page_rows = page.row_count
        self._append(page, page.items)
        while page.row_count:
            next_begin = begin + page.row_count
            next_page = self._fetch(next_begin)
            if not next_page.row_count:
                break
            self._remember(page)
            has_ended = self._add(next_page, begin, page)
            if has_ended:
                break
            begin = next_begin
            page = next_page
        return self._items

    def _add(self, page: Page[Item], last_begin: int, last_page: Page[Item]) -> bool:
        """Add the items of a page that the list still lacks.

        Args:
            page: the page.
            last_begin: the row at which the page before it begins.
            last_page: that page.

        Returns:
            Whether the list has ended.
        """
        if not self._has_new_rows(page):
            return self._add_without_new_rows(page, last_begin, last_page)
        new_items = page.items
        has_known_items = not self._known_items.isdisjoint(page.items)
        # Without a shift, equal items are further rows that happen to be the same.
        if has_known_items and self._has_moved(last_begin, last_page):
            new_items = self._without_moved(page)
        self._append(page, new_items)
        return False

    def _add_without_new_rows(
        self,
        page: Page[Item],
        last_begin: int,
        last_page: Page[Item],
    ) -> bool:
        """The same for a page whose rows are all known."""
        is_repetition = self._is_repetition(page)
        # Nobody has added a full page of rows in the meantime: there is no need to check for it.
        if is_repetition and page.row_count >= FULL_PAGE_ROWS:
            return True
        if self._has_moved(last_begin, last_page):
            self._append(page, ())
            return False
        if is_repetition:
            return True
        return self._add_known(page)

    def _append(self, page: Page[Item], items: tuple[Item, ...]) -> None:
        """Append items of a page, which prove that the list has not ended before it."""
        self._bytes += len(page.body)
        if self._bytes > self._max_bytes:
            raise Unreadable(f"more than {self._max_bytes} bytes in all (max_response_bytes)")
        self._items += items
        self._known_pages = 0
        self._certain_items = len(self._items)

    def _add_known(self, page: Page[Item]) -> bool:
        """Append a page without a new row provisionally. Returns whether the list has ended.

        Either its rows are further ones that happen to be the same, or the server repeats itself.
        If the list continues or ends with an empty page, they were further ones.
        """
        self._items += page.items
        self._known_pages += 1
        if self._known_pages < MAX_KNOWN_PAGES:
            return False
        del self._items[self._certain_items :]
        return True

    def _remember(self, page: Page[Item]) -> None:
        self._known_items.update(page.items)
        if not page.items:
            self._known_bodies.add(page.body)

    def _has_new_rows(self, page: Page[Item]) -> bool:
        """Whether a page has a row that no page before it had."""
        if not page.items:
            return page.body not in self._known_bodies
        return not self._known_items.issuperset(page.items)

    def _without_moved(self, page: Page[Item]) -> tuple[Item, ...]:
        """The items of a page without those that an earlier page had, before they moved."""
        overlap = self._overlap(page)
        if overlap:
            return page.items[overlap:]
        # More rows were added than a page has, or they were added among others.
        new_items = [item for item in page.items if item not in self._known_items]
        return tuple(new_items)

    def _overlap(self, page: Page[Item]) -> int:
        """The largest number of items with which the list so far ends and the page begins."""
        most = min(len(page.items), len(self._items))
        for count in range(most, 0, -1):
            # Compared first, because this is hardly ever true.
            if page.items[count - 1] != self._items[-1]:
                continue
            beginning = list(page.items[:count])
            if beginning == self._items[-count:]:
                return count
        return 0

    def _is_repetition(self, page: Page[Item]) -> bool:
        """Whether a page looks like one of a server that ignores where the page should begin.

        Such servers send the first or the last rows again, as many as before. Rows that are all the
        same prove nothing.
        """
        has_same_length = page.row_count == self._first_page_rows
        different_items = set(page.items)
        if not has_same_length or len(different_items) < 2:
            return False
        count = len(page.items)
        first_items = self._items[:count]
        last_items = self._items[-count:]
        return list(page.items) in (first_items, last_items)

    def _has_moved(self, begin: int, page: Page[Item]) -> bool:
        """Whether a page has other rows by now, because some were added before or among them."""
        again = self._fetch(begin)
        # Rows that were added behind it do not move it.
        same_rows = again.items[: len(page.items)]
        return same_rows != page.items

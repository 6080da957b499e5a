"""A paper is cited by its number or by its address."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro.claims.paper import load_paper
from repro.errors import DataError
from repro.report.citation import citation, short_name

ARXIV, URL = 'arxiv = "0000.00000"', 'url = "https://example.org/post"'


def written(folder: Path, paper: str) -> Path:
    (folder / "paper").mkdir()
    (folder / "paper" / "paper.toml").write_text(paper)
    return folder / "paper"


def test_a_text_that_arxiv_does_not_have_is_cited_by_its_address(tmp_path: Path, paper: str) -> None:
    found = load_paper(written(tmp_path, paper.replace(ARXIV, URL)))
    assert citation(found) == "A. Author: *A paper*, ICLR 2017, [text](https://example.org/post)"
    assert short_name(found) == "Author 2017"


def test_a_text_that_arxiv_has_is_cited_by_its_number(tmp_path: Path, paper: str) -> None:
    found = load_paper(written(tmp_path, paper.replace('["A. Author"]', '["A. Author", "B. Other"]')))
    assert citation(found).endswith("[arXiv:0000.00000](https://arxiv.org/abs/0000.00000)")
    assert short_name(found) == "Author et al. 2017"


@pytest.mark.parametrize("both", ["", f"{ARXIV}\n{URL}"])
def test_a_paper_has_one_of_the_two(tmp_path: Path, paper: str, both: str) -> None:
    with pytest.raises(DataError, match=r"arxiv = .* must stand there, or else a url"):
        load_paper(written(tmp_path, paper.replace(ARXIV, both)))

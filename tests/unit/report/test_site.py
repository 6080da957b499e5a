from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from repro.claims import ledger
from repro.errors import DataError
from repro.report.site import write_site
from tests_report import accuracies, everything, lost, observation, record

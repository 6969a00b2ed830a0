"""What tests of verbs may use."""

from tests.cli.installed import installed  # noqa: F401 - a fixture
from tests.cli.served import served  # noqa: F401 - a fixture

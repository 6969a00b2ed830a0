"""What tests of verbs may use."""

from tests.cli.served import served  # noqa: F401 - a fixture

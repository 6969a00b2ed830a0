"""Findings and answers → text: a table, JSON, JUnit, Code Quality, SARIF. Siblings are strangers."""

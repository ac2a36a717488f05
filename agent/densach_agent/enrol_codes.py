"""Exit codes of one attempt to join (`python -m densach_agent.enrol`), known to both processes."""

ADMITTED = 0
FAILED = 1
WAITING = 3
REFUSED = 4

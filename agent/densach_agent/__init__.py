"""The program on a lab machine: what the machine is and how it is used reaches the school's hub, and is never lost."""

__version__ = "0.1.0"

"""One signed file that provisions a hub and its lab with no Internet: packages, wheels, plays, the agent."""

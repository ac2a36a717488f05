"""Setting machines up: what plays did to them, and doing it from the hub."""

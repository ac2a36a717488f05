"""The small library the demonstration brings: written and drawn here, nothing taken from others."""

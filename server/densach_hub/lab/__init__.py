"""The technician's face: the morning page, rooms with seats, machines, the door for new ones. Its facts are fleet's."""

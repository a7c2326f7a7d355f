"""G-code as data: read, judge, lay out, draw. Pure: no clock, file, socket, log or environment."""

"""G-code as data: read it, judge it, lay it out, draw it. Pure: no clock, file, socket, log, environment."""

<<<<<<< HEAD
"""G-code as data: read, judge, lay out, draw. Pure: no clock, file, socket, log or environment."""
=======
"""G-code as data: read it, judge it, lay it out, draw it. Pure: no clock, file, socket, log, environment."""
>>>>>>> agent

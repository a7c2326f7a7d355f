"""`muster demo`: the whole chain on one machine, with real processes and virtual printers."""

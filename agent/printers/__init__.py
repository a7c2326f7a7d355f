"""Ways to drive a printer, all behind `driver.Driver`."""

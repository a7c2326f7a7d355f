"""The process beside a maker's printers: reports their state, accepts jobs, drives them."""

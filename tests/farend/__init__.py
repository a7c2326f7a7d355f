"""The real servers and firmware at the far end of the wire, as the tests start them."""

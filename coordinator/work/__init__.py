"""From a need to a parcel: each step of the work, in one transaction."""

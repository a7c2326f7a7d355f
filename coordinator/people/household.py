"""Who an address belongs to, as far as one can tell."""

from ipaddress import IPv6Address, ip_address


def household(address: str) -> str:
    """The address itself; of IPv6, its network of /64, in which one household has as many addresses as it likes."""
    try:
        known = ip_address(address)
    except ValueError:
        return address
    if isinstance(known, IPv6Address):
        return str(known.ipv4_mapped or IPv6Address(int(known) >> 64 << 64))
    return address

"""Certificates and signatures: what the coordinator proves itself by."""

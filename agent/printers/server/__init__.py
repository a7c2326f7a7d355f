"""What the doors to printers on servers of their own share: HTTP, uploads, following a print."""

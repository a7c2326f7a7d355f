"""The database. The only place that knows SQLAlchemy."""

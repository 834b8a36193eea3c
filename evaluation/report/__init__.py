"""Write the page, the tables and the figures of an audit."""

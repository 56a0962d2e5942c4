"""Reading a list of subscribers from a file: its layout, its columns, its rows."""

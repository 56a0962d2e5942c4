"""English, without the habits of one country."""

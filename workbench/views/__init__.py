"""What a person looks at: plots that return figures, and the report as one file."""

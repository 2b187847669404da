"""GraphQL as a client meets it: over HTTP, with keys."""

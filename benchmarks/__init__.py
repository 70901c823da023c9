"""Programs that measure, and the results they gave. A figure in a document comes from here."""

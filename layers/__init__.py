"""What a layer is and how its features change: definitions, feature tables, revisions, intake, export."""

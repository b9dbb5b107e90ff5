"""The Marketplace: image metadata in RDF/XML over REST."""

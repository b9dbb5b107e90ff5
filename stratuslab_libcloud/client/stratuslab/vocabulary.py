"""The namespaces of Marketplace entries, as `xml.etree.ElementTree` writes them before an element's name.

They are those of StratusLab's metadata library (MetadataNamespaceContext.java).
"""

from __future__ import annotations

BASE = "http://mp.stratuslab.eu/"
"""What ``xml:base`` of each entry must be."""

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
DCTERMS = "{http://purl.org/dc/terms/}"
SLREQ = "{http://mp.stratuslab.eu/slreq#}"
SLTERMS = "{http://mp.stratuslab.eu/slterms#}"
SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}"
XML = "{http://www.w3.org/XML/1998/namespace}"

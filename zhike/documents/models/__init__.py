from zhike.documents.models.blob import Blob
from zhike.documents.models.document import Document, Hold, Text, Version
from zhike.documents.models.label import Label

__all__ = ["Blob", "Document", "Hold", "Label", "Text", "Version"]

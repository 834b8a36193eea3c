"""One DataModule per dataset, the samplers that they share, and the embedded synthetic faces."""

import os

# albumentations asks a server for its newest version when it is imported, unless told not to.
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

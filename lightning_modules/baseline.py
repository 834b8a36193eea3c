"""The plain classifier, to which every other method is compared."""

from lightning_modules.training.attribute_classifier import AttributeClassifier


class Baseline(AttributeClassifier):
    """Classify any attribute by softmax on a frozen or fine-tuned representation (thesis, section 3.2).

    Args:
        **common: the arguments of `AttributeClassifier`.
    """

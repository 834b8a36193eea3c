"""The plain classifier that every other method is compared with."""

from lightning_modules.training.attribute_classifier import AttributeClassifier


class Baseline(AttributeClassifier):
    """Softmax classifier of any attribute on a frozen or fine-tuned representation (thesis, section 3.2).

    Args:
        **common: the arguments of `AttributeClassifier`.
    """

"""Texts of the report that do not depend on the data."""

GLOSSARY = {
    "Representation, embedding": "The list of numbers that a network makes of a face, by which faces are "
    "compared.",
    "Sensitive attribute": "What the representation is meant not to give away.",
    "Attacker": "A classifier that is trained to read an attribute from embeddings. The strongest one "
    "counts, since whoever holds the embeddings may choose.",
    "Balanced accuracy": "The share read correctly, averaged over the classes, so that a large class "
    "counts no more than a small one.",
    "Chance": "The balanced accuracy of guessing: one divided by the number of classes.",
    "Leakage": "The balanced accuracy of the strongest attacker.",
    "Leakage reduction": "The share of the leakage above chance that is gone: "
    "(before − after) / (before − chance). A score below chance counts as chance, so 100 % is all. No "
    "share is given where the score before is within a point of chance, or chance in its interval.",
    "More, less, same": "Whether the 95 % interval of the difference after − before, paired over subjects, "
    "lies above 0, lies below 0, or holds 0.",
    "95 %": "An interval that holds the true figure in 95 of 100 repetitions, from drawing the subjects, not "
    "the images, anew.",
    "p": "How often shuffled labels are read as well as the real ones. Above .05 luck is an explanation.",
    "Holm p": "The same, corrected for the number of attributes and representations that were tested.",
    "Readable at all, beyond identity": "Two hypotheses. Labels exchanged across subjects show whether the "
    "attribute can be read at all; labels exchanged within subjects, whether more is read than who it is.",
    "Block": "Images that were drawn together, such as frames of one take; their labels are shuffled as one.",
    "Usable information": "By how many bits a family of classifiers becomes more certain of the attribute "
    "when it sees the embedding (0: it learns nothing).",
    "Description length": "The bits to send the labels to somebody who has the embeddings, learning while "
    "they arrive. What the embeddings save is the difference to the code length by class shares alone. "
    "Compression is against equal shares, so unequal classes alone bring it above 1.",
    "Standardised, raw, robust, unit": "Attackers see each feature with mean 0 and deviation 1; as it is; "
    "scaled by median and quantiles, and clipped; or every embedding scaled to length 1 first. An attribute "
    "that is read with one of them is not gone.",
    "Effective rank": "In how many directions the embeddings vary. Close to 1 the representation has "
    "collapsed, and can tell no subjects apart.",
    "Scale": "How much the features vary, in the units of the embedding.",
    "Genuine, impostor pair": "Two images of one subject, of two subjects.",
    "FMR, FNMR": "Shares of impostor pairs accepted and of genuine pairs rejected, at one threshold.",
    "TAR at FMR 1e-3": "Share of genuine pairs accepted where one impostor pair in a thousand is.",
    "EER": "The error rate where FMR and FNMR are equal.",
    "CMC, rank": "Share of probes whose subject is among the first images of the gallery, up to a rank.",
    "FPIR, TPIR": "Shares of probes of unknown subjects let in, and of known ones found, at one threshold.",
    "AUC": "The chance that a genuine pair scores above an impostor pair: 1 is perfect, 0.5 is guessing.",
    "FDR, GARBE, inequity rate, N-sigma": "Ways to put differences of errors between groups in one number.",
    "TPR, FPR": "Shares of positive and of negative samples that a classifier takes for positive.",
    "Bias": "The share of the positive training samples that belong to one group; 0.5 is none.",
    "t-SNE": "A map that puts similar embeddings side by side. It shows what is easy to see, not what can "
    "be read.",
}

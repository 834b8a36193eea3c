"""A small ONNX recogniser with a residual block."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def write_onnx(path: Path, *, size: int | str = 16, flat: bool = True, stride: int = 2) -> str:
    """Writes a graph with a residual block that strides in its branch and in its shortcut."""
    rng = np.random.default_rng(0)

    def constant(name: str, *shape: int) -> TensorProto:
        return numpy_helper.from_array(rng.normal(size=shape).astype(np.float32) / 4, name)

    def conv(x: str, w: str, y: str, stride: int, pad: int) -> onnx.NodeProto:
        return helper.make_node("Conv", [x, w], [y], name=w, strides=[stride] * 2, pads=[pad] * 4)

    nodes = [
        conv("image", "stem", "a", stride, 1),
        helper.make_node("Relu", ["a"], ["b"], name="relu"),
        conv("b", "narrow", "c", 1, 0),
        conv("c", "branch", "d", stride, 1),
        conv("b", "shortcut", "e", stride, 0),
        helper.make_node("Add", ["d", "e"], ["f"], name="add"),
        conv("f", "last", "g", 1, 1),
        helper.make_node("GlobalAveragePool", ["g"], ["h"], name="pool"),
        helper.make_node("Flatten", ["h"], ["embedding"], name="flatten"),
    ]
    initializers = [
        constant("stem", 8, 3, 3, 3),
        constant("narrow", 4, 8, 1, 1),
        constant("branch", 8, 4, 3, 3),
        constant("shortcut", 8, 8, 1, 1),
        constant("last", 6, 8, 3, 3),
    ]
    output, shape = ("embedding", ["n", 6]) if flat else ("h", ["n", 6, 1, 1])
    graph = helper.make_graph(
        nodes if flat else nodes[:-1],
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, size, size])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)],
        initializers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, path)
    return str(path)

from matplotlib.figure import Figure

from evaluation.report.identification_figures import identification_figure
from tests.support.made_audit import crossed, make_audit


class Drawn:
    """Keeps the arguments of a figure."""

    def write(self, name, title, caption, figure):
        self.caption, self.figure = caption, figure
        return name


def drawn(*groups):
    audit, writer = make_audit(), Drawn()
    frame = crossed(representation=["x", "phi"], rank=[1, 5], group=groups)
    audit.frames["identification"] = frame.assign(rate=0.8, low=0.7, high=0.9, gallery=1200)
    assert identification_figure(audit, writer) == "cmc"
    assert isinstance(writer.figure, Figure)
    return writer


def test_all_probes_have_one_panel_and_groups_one_each():
    assert [axes.get_title() for axes in drawn("").figure.axes] == [""]
    titles = [axes.get_title() for axes in drawn("", "women", "men").figure.axes]
    assert titles == ["all probes", "women", "men"]
    assert "1,200 enrolled subjects" in drawn("").caption


def test_without_identification_there_is_no_figure():
    audit = make_audit()
    audit.frames.pop("identification", None)
    assert identification_figure(audit, Drawn()) is None

import pytest

from storage.path_names import file_name, folder_name

OUTSIDE = ["../x", "../../x", "/abs", "a/../../x", "..", "", ".", "a\nb", "a\x1b[2J", "..\\x", "C:\\x", "a\0"]


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_name_that_leaves_the_folder_is_refused(name):
    for check in (folder_name, file_name):
        with pytest.raises(ValueError, match="is no name of a f"):
            check(name)


def test_other_names_stay_as_they_are():
    for name in ("lntl", "celeba/seed_1", "Größe 2", "a..b", ".hidden"):
        assert folder_name(name) == name
    assert file_name("table_4.1") == "table_4.1"
    for name in ("a/b", "a\\b"):
        with pytest.raises(ValueError, match="no name of a file"):
            file_name(name)

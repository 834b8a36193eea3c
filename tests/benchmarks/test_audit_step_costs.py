from benchmarks.audit_step_costs import fit_costs, make_representations


def test_a_power_law_is_found_again():
    sizes = [500, 2000]
    seconds = [{"linear": 2.0 * n / 1000, "square": 3.0 * (n / 1000) ** 2} for n in sizes]
    assert fit_costs(sizes, seconds) == {"linear": (2.0, 1.0), "square": (3.0, 2.0)}


def test_two_thirds_of_the_samples_are_tested():
    made = make_representations(240)
    assert (made.split > 0).sum() == 240
    assert len(made) == 360

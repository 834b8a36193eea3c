import pytest

from benchmarks import embed_speed


@pytest.mark.slow
def test_both_sides_give_the_same_embeddings(monkeypatch):
    found = embed_speed.compare(70, 1)
    assert found["ratio"] > 0
    monkeypatch.setattr(embed_speed, "raw_loop", lambda embedder, data: embedder.embed(data.image) + 1)
    with pytest.raises(AssertionError, match="differ"):
        embed_speed.compare(70, 1)

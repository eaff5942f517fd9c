"""When rows are shared out among processes, and how."""

from itertools import chain

import joblib
import pytest

from skchem_dl import MolFeatureUnion, MolStandardizer, MorganFingerprinter, RDKitDescriptors
from skchem_dl.features import _parallel
from skchem_dl.features._parallel import map_chunks


@pytest.fixture
def no_workers_yet(monkeypatch):
    monkeypatch.setattr(_parallel, "_last_used", -float("inf"))
    monkeypatch.setattr(_parallel, "_done_without", 0.0)


@pytest.fixture
def sent(monkeypatch):
    """The chunks that would go to workers; they stay in this process."""
    chunks = []

    class InProcess:
        def __init__(self, n_jobs, batch_size):
            assert (n_jobs, batch_size) == (2, 1)

        def __call__(self, tasks):
            tasks = list(tasks)
            chunks.extend(arguments[0] for _, arguments, _ in tasks)
            return [function(*arguments) for function, arguments, _ in tasks]

    monkeypatch.setattr(_parallel, "Parallel", InProcess)
    return chunks


def run(n, seconds, n_jobs=2):
    items = list(range(n))
    chunks = map_chunks(list, items, n_jobs=n_jobs, seconds_per_item=seconds)
    assert [*chain(*chunks)] == items
    return chunks


def test_little_work_stays_here(sent, no_workers_yet):
    run(10, 0.29)  # 2.9 s do not pay for starting workers
    assert sent == []
    run(10, 0.31)
    assert [*chain(*sent)] == list(range(10))
    sent.clear()
    run(10, 0.011)  # now they run
    assert [*chain(*sent)] == list(range(10))
    sent.clear()
    run(10, 0.009)
    assert sent == []


def test_workers_are_taken_for_gone_after_a_while(sent, monkeypatch):
    now = 1_000.0
    monkeypatch.setattr(_parallel.time, "monotonic", lambda: now)
    run(10, 1.0)
    sent.clear()
    now += 239
    run(10, 0.2)
    assert len(sent)
    sent.clear()
    now += 241
    run(10, 0.2)
    assert sent == []


@pytest.fixture
def clock(monkeypatch):
    """Time that passes when the test says so."""

    class Clock:
        now = 0.0

        def work(self, seconds):
            def chunk_of(items):
                self.now += seconds
                return items

            return chunk_of

    clock = Clock()
    monkeypatch.setattr(_parallel.time, "perf_counter", lambda: clock.now)
    return clock


def test_work_that_comes_bit_by_bit_starts_workers_too(sent, no_workers_yet, clock):
    def call(seconds, n_jobs=2):
        map_chunks(clock.work(seconds), [0], n_jobs=n_jobs, seconds_per_item=1.0)
        return len(sent)

    assert [call(0.9), call(0.9), call(0.9), call(0.9)] == [0, 0, 0, 1]  # 1.8 s done, then 2.7
    assert call(0.9) == 2


@pytest.mark.parametrize(("estimate", "n_jobs"), [(0.09, 2), (1.0, None), (1.0, 1)])
def test_work_that_nobody_would_share_does_not_count(sent, no_workers_yet, clock, estimate, n_jobs):
    for _ in range(100):
        map_chunks(clock.work(1.0), [0], n_jobs=n_jobs, seconds_per_item=estimate)
    run(10, 0.29)
    assert sent == []


@pytest.mark.parametrize("n_jobs", [None, 1])
def test_one_process_is_the_default(sent, n_jobs):
    run(10, 100.0, n_jobs)
    assert sent == []


def test_threads_have_nothing_to_gain(sent):
    with joblib.parallel_config(backend="threading"):
        run(10, 100.0)
    assert sent == []


@pytest.mark.parametrize("n", [1, 2, 15, 16, 17, 1_000, 3_000, 20_000])
def test_chunks_are_balanced_and_of_bounded_size(sent, n):
    run(n, 100.0)
    sizes = [len(chunk) for chunk in sent]
    assert sum(sizes) == n
    assert max(sizes) <= min(500, -(-n // 16))
    assert len(set(sizes[:-1])) <= 1


def test_chunks_in_one_process_are_of_bounded_size_too():
    assert [len(chunk) for chunk in run(1_200, 0.0)] == [500, 500, 200]


def test_slow_featurizers_say_so():
    def seconds(featurizer):
        return featurizer._seconds_per_molecule

    parsing = seconds(MorganFingerprinter())
    assert seconds(RDKitDescriptors()) > 10 * parsing
    assert seconds(RDKitDescriptors(["TPSA"])) < 2 * parsing
    assert seconds(MolStandardizer(tautomer=True)) > seconds(MolStandardizer()) > 5 * parsing
    members = [("one", RDKitDescriptors()), ("other", MorganFingerprinter())]
    assert seconds(MolFeatureUnion(members)) > seconds(RDKitDescriptors())

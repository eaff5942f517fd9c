"""What all convolutions have in common; each has tests of its own in a file of its kind."""

import pytest
import torch

from skchem_dl.nn import CONVS, GNN, GraphConv, register_conv

from .molecules import SCHEMA, batch_of, make_gnn, three_atoms


@pytest.mark.parametrize("conv", CONVS)
def test_reach(conv):
    network = make_gnn(conv, n_layers=3, activation="tanh")
    one, other = network.atom_states(batch_of(["CCCCCCCCCC", "CCCCCCCCCO"])).split(10)
    changed = (one - other).abs().amax(1) > 1e-6
    assert changed.tolist() == [False] * 6 + [True] * 4


def test_a_new_convolution_is_one_class(monkeypatch):
    monkeypatch.setattr("skchem_dl.nn._convs._base.CONVS", dict(CONVS))

    class Nothing(GraphConv):
        def _build(self, schema, dim, n_steps, n_heads):
            pass

        def start(self, plan):
            return torch.ones(len(plan.atom_codes), 4)

        def step(self, layer, exchange, state, first):
            heard = self.kernels.sum_neighbours(exchange, state)
            return self.before(exchange, state) + heard

    from skchem_dl.nn import _gnn
    from skchem_dl.nn._convs import _base

    monkeypatch.setattr(_gnn, "CONVS", _base.CONVS)
    assert register_conv("nothing")(Nothing) is Nothing
    batch = three_atoms((0, 1), (1, 2))
    network = GNN(SCHEMA, 2, conv="nothing", hidden_dim=4, n_layers=1)
    assert network.atom_states(batch)[:, 0].tolist() == [2.0, 3.0, 2.0]
    assert network(batch).shape == (1, 2)
    assert "nothing" not in CONVS

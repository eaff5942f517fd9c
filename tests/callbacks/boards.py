"""What TensorBoard makes of a folder, read with its own code."""

import json
import warnings

from tensorboard.backend.event_processing.event_accumulator import (
    DEFAULT_SIZE_GUIDANCE,
    EventAccumulator,
)
from werkzeug.test import Client

with warnings.catch_warnings():
    # A library inside TensorBoard announces the end of a library inside it.
    warnings.simplefilter("ignore", DeprecationWarning)
    from tensorboard.program import TensorBoard

API = "/data/plugin/hparams"
STATUSES = ["STATUS_UNKNOWN", "STATUS_SUCCESS", "STATUS_FAILURE", "STATUS_RUNNING"]


def read_events(folder):
    """Give all events of a run: nothing is sampled."""
    events = EventAccumulator(str(folder), size_guidance=dict.fromkeys(DEFAULT_SIZE_GUIDANCE, 0))
    events.Reload()
    return events


def read_scalars(folder):
    """Give the values of a run by tag and epoch."""
    events = read_events(folder)
    return {
        tag: {event.step: event.value for event in events.Scalars(tag)}
        for tag in events.Tags()["scalars"]
    }


class _NoServer:
    """Keeps the application that TensorBoard would serve."""

    def __init__(self, app, flags):
        self.app = app

    def serve_forever(self):
        pass

    def get_url(self):
        return self.app


def open_board(log_dir):
    """Give a client of TensorBoard's web application, without a server."""
    board = TensorBoard(server_class=_NoServer)
    reading = ["--reload_interval=0", "--reload_task=blocking", "--load_fast=false"]
    board.configure(["tensorboard", f"--logdir={log_dir}", *reading])
    return Client(board.launch())


def read_hparams(log_dir):
    """Give what the HPARAMS tab shows of a folder: columns, metrics, and rows by name.

    A row is a dict of all its parameters and metrics.
    """
    board = open_board(log_dir)
    experiment = _post(board, "experiment", {"experimentName": ""})
    columns = [column["name"] for column in experiment.get("hparamInfos", ())]
    metrics = [column["name"]["tag"] for column in experiment.get("metricInfos", ())]
    shown = [{"hparam": name, "includeInResult": True} for name in columns]
    shown += [{"metric": {"tag": tag}} for tag in metrics]
    request = {"allowedStatuses": STATUSES, "colParams": shown, "sliceSize": 1_000}
    groups = _post(board, "session_groups", request)["sessionGroups"]
    rows = {
        group["name"]: {
            **group["hparams"],
            **{value["name"]["tag"]: float(value["value"]) for value in group["metricValues"]},
        }
        for group in groups
    }
    return columns, metrics, rows


def _post(board, path, request):
    response = board.post(f"{API}/{path}", json=request)
    assert response.status_code == 200, response.text
    return json.loads(response.text)

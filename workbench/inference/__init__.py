"""One decoding engine for every arm, pane and pass-rate."""

from workbench.inference.engine import Engine, Request, Written
from workbench.inference.sampling import Sampling
from workbench.inference.steering import Controller, Encoder, End, Inject, Steering, View

__all__ = [
    "Controller",
    "Encoder",
    "End",
    "Engine",
    "Inject",
    "Request",
    "Sampling",
    "Steering",
    "View",
    "Written",
]

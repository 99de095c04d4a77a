"""One decoding engine for every arm, pane and pass-rate."""

from workbench.inference.agreement import Agreement, agreement
from workbench.inference.engine import Engine
from workbench.inference.request import Request, Written
from workbench.inference.sampling import Sampling
from workbench.inference.steering import Branch, Command, Controller, Encoder, End, Inject, Rewind, Steering, View
from workbench.inference.text import TextStream

__all__ = [
    "Agreement",
    "Branch",
    "Command",
    "Controller",
    "Encoder",
    "End",
    "Engine",
    "Inject",
    "Request",
    "Rewind",
    "Sampling",
    "Steering",
    "TextStream",
    "View",
    "Written",
    "agreement",
]

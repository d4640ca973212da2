"""The typed keys under which an application finds what it was built with."""

from aiohttp import web

from provisioner.core.profile import Tree
from provisioner.web.board import Board
from provisioner.web.gate import Gate
from provisioner.web.hot import Hot
from provisioner.web.ledger import Ledger
from provisioner.web.open_channels import OpenChannels
from provisioner.web.recent import Recent
from provisioner.web.services import Services
from provisioner.web.tailer import Tailer

SERVICES = web.AppKey("services", Services)
TAILER = web.AppKey("tailer", Tailer)
TREES: web.AppKey[Recent[Tree]] = web.AppKey("trees", Recent)
HOT = web.AppKey("hot", Hot)
LEDGER = web.AppKey("ledger", Ledger)
BOARD: web.AppKey[Recent[Board]] = web.AppKey("board", Recent)
GATE = web.AppKey("gate", Gate)
CHANNELS = web.AppKey("channels", OpenChannels)

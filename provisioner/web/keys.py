"""The typed keys under which an application finds what it was built with."""

from aiohttp import web

from provisioner.web.gate import Gate
from provisioner.web.ledger import Ledger
from provisioner.web.services import Services
from provisioner.web.tailer import Tailer

SERVICES = web.AppKey("services", Services)
TAILER = web.AppKey("tailer", Tailer)
LEDGER = web.AppKey("ledger", Ledger)
GATE = web.AppKey("gate", Gate)

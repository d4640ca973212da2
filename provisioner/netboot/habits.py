"""What the path to a client could not carry, so that its next request is granted less."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace

from provisioner.netboot.transfer import Policy, Transfer

_CLIENTS = 4096
_GAPS = 3
_GAPS_OF_WINDOWS = 2
"""So many gaps for each window that was needed are no chance: what the wire loses here and there is fewer."""
_LEAST_WINDOW = 4
_SAFE_BLKSIZE = 512
"""What every client takes, of all sizes the one that no path cuts (RFC 1350)."""
_FORGOTTEN = 600.0
"""Seconds. A guest that was reset between two packets looks the same as a path that carries nothing."""


class Habits:
    """Limits below the policy's, by client address; those of the clients seen last, for ten minutes each."""

    def __init__(self, policy: Policy, clock: Callable[[], float] = time.monotonic) -> None:
        self._policy = policy
        self._clock = clock
        self._lowered: OrderedDict[str, tuple[Policy, float]] = OrderedDict()

    def policy(self, address: str) -> Policy:
        policy, until = self._lowered.get(address, (self._policy, 0.0))
        return policy if self._clock() < until else self._policy

    def learn(self, address: str, transfer: Transfer) -> None:
        """From a transfer that is over: blocks that never arrived, windows that arrived with gaps."""
        policy, terms = self.policy(address), transfer.terms
        if transfer.outcome in ("silent", "unconfirmed") and transfer.heard and not transfer.base:
            policy = replace(policy, blksize=min(policy.blksize, _SAFE_BLKSIZE))
        elif terms.window > _LEAST_WINDOW and _overrun(transfer):
            policy = replace(policy, window=max(_LEAST_WINDOW, terms.window // 2))
        else:
            return
        self._lowered[address] = policy, self._clock() + _FORGOTTEN
        self._lowered.move_to_end(address)
        if len(self._lowered) > _CLIENTS:
            self._lowered.popitem(last=False)


def _overrun(transfer: Transfer) -> bool:
    """Whether its windows are more than the client, or what is before it, takes at once."""
    needed = max(1, transfer.base // transfer.window)
    return transfer.gaps >= max(_GAPS, _GAPS_OF_WINDOWS * needed)

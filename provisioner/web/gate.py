"""Who may use the people's listener: the API token, one-use login keys, signed session cookies.

Only hashes of the token stay in memory. A cookie is signed with a key made from the token, so it survives a
restart of the service and dies when the token is changed.
"""

import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256

COOKIE = "provisioner_session"
SESSION = timedelta(days=7)
LOGIN_KEY = timedelta(minutes=10)
WRONG_PER_MINUTE = 10
_REMEMBERED = 1024
_PENDING = 64


def _digest(text: str) -> bytes:
    return sha256(text.encode("utf-8", "surrogateescape")).digest()


class Gate:
    """`clock` gives the present time with its zone. A wrong credential counts once, however often repeated:

    a browser tab with an old cookie must not lock its owner out, a guesser tries a new one each time.
    """

    def __init__(self, token: str, clock: Callable[[], datetime]) -> None:
        if len(token) < 32:
            raise ValueError("the API token must have 32 characters or more")
        self._token = _digest(token)
        self._signing = hmac.digest(token.encode(), b"provisioner session cookie", "sha256")
        self._clock = clock
        self._keys: OrderedDict[bytes, datetime] = OrderedDict()
        self._wrong: OrderedDict[str, dict[bytes, datetime]] = OrderedDict()

    def token_is_right(self, token: str) -> bool:
        return hmac.compare_digest(_digest(token), self._token)

    def new_key(self) -> str:
        """A login key, good once and for ten minutes."""
        key = secrets.token_urlsafe(32)
        self._keys[_digest(key)] = self._clock() + LOGIN_KEY
        while len(self._keys) > _PENDING:
            self._keys.popitem(last=False)
        return key

    def use_key(self, key: str) -> bool:
        """Whether the key was good; afterwards it is not."""
        expires = self._keys.pop(_digest(key), None)
        return expires is not None and self._clock() < expires

    def new_cookie(self) -> str:
        body = f"{int((self._clock() + SESSION).timestamp())}.{secrets.token_urlsafe(16)}"
        return f"{body}.{self._sign(body)}"

    def cookie_is_ours(self, cookie: str) -> bool:
        """Whether we signed it, expired or not."""
        body, _, mark = cookie.rpartition(".")
        return hmac.compare_digest(mark.encode("utf-8", "surrogateescape"), self._sign(body).encode())

    def cookie_is_right(self, cookie: str) -> bool:
        if not self.cookie_is_ours(cookie):
            return False
        now = self._clock().timestamp()
        expires = int(cookie.partition(".")[0])
        # An expiry further away than any we give means that the clock was set back.
        return now < expires <= now + SESSION.total_seconds() + 60

    def _sign(self, body: str) -> str:
        return hmac.new(self._signing, body.encode("utf-8", "surrogateescape"), "sha256").hexdigest()

    def closed_to(self, address: str) -> bool:
        """Whether an address gave too many different wrong credentials within the last minute."""
        known = self._wrong.get(address)
        if known is None:
            return False
        since = self._clock() - timedelta(minutes=1)
        for mark in [mark for mark, at in known.items() if at < since]:
            del known[mark]
        return len(known) >= WRONG_PER_MINUTE

    def note_wrong(self, address: str, credential: str) -> None:
        known = self._wrong.setdefault(address, {})
        self._wrong.move_to_end(address)
        if len(known) < WRONG_PER_MINUTE:
            known[_digest(credential)] = self._clock()
        while len(self._wrong) > _REMEMBERED:
            self._wrong.popitem(last=False)

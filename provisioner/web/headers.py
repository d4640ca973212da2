"""What every response carries: a strict content security policy and a server name that tells nothing."""

from aiohttp import web


def policy(*, images: str = "'self'") -> str:
    """The content security policy; `images` where a page needs pictures of its own making."""
    return "; ".join(
        (
            "default-src 'self'",
            "script-src 'self'",
            "style-src 'self'",
            f"img-src {images}",
            "connect-src 'self'",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )


CONTENT_SECURITY_POLICY = policy()
_ALWAYS = {
    "Server": "provisioner",
    "X-Content-Type-Options": "nosniff",
}
FILES = {**_ALWAYS, "Content-Security-Policy": "default-src 'none'; sandbox"}
"""On what comes out of a tree: a page in it is looked at, and never does anything."""
_PEOPLE = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


async def plain(_request: web.Request, response: web.StreamResponse) -> None:
    """For guests: firmware reads no policies."""
    response.headers.update(_ALWAYS)


async def strict(_request: web.Request, response: web.StreamResponse) -> None:
    """For people: on pages, JSON, streams, files and errors alike."""
    response.headers.update(_ALWAYS)
    for name, value in _PEOPLE.items():
        response.headers.setdefault(name, value)

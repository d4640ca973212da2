"""What every response carries: a strict content security policy and a server name that tells nothing."""

from aiohttp import web

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
_ALWAYS = {
    "Server": "provisioner",
    "X-Content-Type-Options": "nosniff",
}
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
    response.headers.update(_PEOPLE)

"""`/answers`: answer files looked at, never served: secrets are ***."""

from dataclasses import asdict

from aiohttp import web

from provisioner.web.keys import SERVICES
from provisioner.web.operation import FLAG, Operation, flag
from provisioner.web.schemas import AnswerText, FindingOut, Findings, TextOut


async def preview(request: web.Request, _body: None) -> object:
    return TextOut(text=await request.app[SERVICES].answers.preview(request.match_info["guest"]))


async def diff(request: web.Request, _body: None) -> object:
    differences, guest = request.app[SERVICES].differences, request.match_info["guest"]
    if flag(request, "before"):
        return TextOut(text=await differences.since_before(guest))
    return TextOut(text=await differences.since_served(guest))


async def render(request: web.Request, body: AnswerText) -> object:
    answers = request.app[SERVICES].answers
    return TextOut(text=await answers.render(body.text, body.family, body.release, body.variables))


async def lint(request: web.Request, body: AnswerText) -> object:
    found = await request.app[SERVICES].answers.lint(body.text, body.family, body.release)
    return Findings(findings=[FindingOut(**asdict(finding)) for finding in found])


OPERATIONS = (
    Operation("GET", "/answers/preview/{guest}", "A guest's answer file", preview, TextOut),
    Operation(
        "GET",
        "/answers/diff/{guest}",
        "What changed since it was served",
        diff,
        TextOut,
        query={"before": f"{FLAG}: what its last install was served, beside the one before"},
    ),
    Operation(
        "POST", "/answers/render", "Render a template as if for a guest", render, TextOut, takes=AnswerText
    ),
    Operation(
        "POST", "/answers/lint", "Check a text as its installer would", lint, Findings, takes=AnswerText
    ),
)

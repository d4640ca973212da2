"""A guest installed anew: the install that runs is ended, then the new one begun."""

from provisioner.core.errors import NotFound
from provisioner.core.install import Event, Install, Kind
from provisioner.service.drafts import Draft
from provisioner.service.execution import Execution
from provisioner.service.ports import Clock, Store


async def begin_rebuild(store: Store, execution: Execution, clock: Clock, draft: Draft) -> Install:
    """The end comes first: it takes the old install's tokens, whatever becomes of the new one."""
    name = draft.row.spec.name
    try:
        last = await store.install(name)
    except NotFound:
        return await execution.begin(draft)
    if not last.over:
        text = f"{name} is rebuilt as install {draft.install.id}"
        await store.record([Event(Kind.CANCELLED, clock(), "service", last.mac, last.id, text)])
    return await execution.begin(draft)

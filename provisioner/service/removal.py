"""What goes when a guest goes: its domain and every volume that was made for it."""

from provisioner.plan.plan import plan_removal
from provisioner.plan.steps import Plan
from provisioner.service.ports import GuestRow


def removal_of(row: GuestRow) -> Plan:
    """The plan; volumes that were there before the guest, and bases of other guests, stay."""
    spec, held = row.spec, row.holdings
    former = ((spec.disk.pool, row.old_volume),) if row.old_volume and not spec.disk.volume else ()
    return plan_removal(spec.name, spec.uuid, (*held.owned, *held.temporary, *held.leftover, *former))

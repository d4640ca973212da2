"""`plan_guest(spec, facts) -> Plan`: the steps that make a guest, each with its undo, and its XML; pure.

Comes in: a `GuestSpec`, `HostFacts`, `TreeFacts`, ids.  Goes out: a `Plan` that can be printed as it is.
Must not know: libvirt, the store, whether anybody will execute the plan.
"""

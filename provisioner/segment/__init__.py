"""This machine's own side of a network segment: links and addresses, a guest's place, the firewall's rules,
a macvlan of ours and a DHCP server of ours.

Comes in: names of interfaces, repairs.  Goes out: what iproute2, nft, iptables, firewalld say; links made.
Must not know: libvirt, the store, who boots. What is not marked as ours is never changed.
"""

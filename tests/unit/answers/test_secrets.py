"""Secrets are hashed before they are written and masked before they are shown."""

from typing import Any

from passlib.handlers import sha2_crypt

from provisioner.answers.secrets import hash_password, mask

verify: Any = sha2_crypt.sha512_crypt.verify


def test_a_hash_can_be_verified_and_is_salted() -> None:
    first, second = hash_password("correct horse"), hash_password("correct horse")

    assert first.startswith("$6$")
    assert first != second
    assert verify("correct horse", first)
    assert not verify("wrong horse", first)


def test_given_secrets_are_masked_the_longest_first() -> None:
    assert mask("key abcdef, abc", ["abc", "abcdef", ""]) == "key ***, ***"


def test_any_password_hash_is_masked() -> None:
    text = f"rootpw --iscrypted {hash_password('x')}\nuser --password=$y$j9T$abc$def plain $5 $HOME $(date)\n"

    assert mask(text, []) == "rootpw --iscrypted ***\nuser --password=*** plain $5 $HOME $(date)\n"

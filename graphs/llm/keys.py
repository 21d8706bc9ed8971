"""API keys: read where they are needed, shown nowhere."""

from __future__ import annotations

import os

from pydantic import SecretStr

from graphs.llm.settings import EndpointSettings
from personas.errors import InputError

HIDDEN = "[key]"


def resolve_key(settings: EndpointSettings) -> SecretStr | None:
    """The key that the settings refer to, or None where they name none.

    Raises:
        InputError: the variable is not set, or the file cannot be read or is empty.
    """
    where = f"endpoint {settings.base_url}"
    if settings.api_key_env is not None:
        value = os.environ.get(settings.api_key_env, "").strip()
        if not value:
            raise InputError(
                f"the environment variable {settings.api_key_env} is not set",
                where=where,
                hint=f"Set it (export {settings.api_key_env}=…) and run again.",
            )
        return SecretStr(value)
    if settings.api_key_file is not None:
        try:
            value = settings.api_key_file.expanduser().read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(
                "the key file cannot be read", where=where, found=str(settings.api_key_file)
            ) from error
        if not value or "\n" in value:
            raise InputError(
                "the key file must hold one line, the key",
                where=where,
                found=str(settings.api_key_file),
            )
        return SecretStr(value)
    return None


def scrub(text: str, key: SecretStr | None) -> str:
    """Text from a server without the key that it may echo."""
    return text if key is None else text.replace(key.get_secret_value(), HIDDEN)


def scrub_bytes(data: bytes, key: SecretStr | None) -> bytes:
    """A reply's body without the key that it may echo."""
    return data if key is None else data.replace(key.get_secret_value().encode(), HIDDEN.encode())

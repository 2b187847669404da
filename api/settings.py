"""What a merchant can set, by ``DAICHO_*`` or a ``.env`` file; the only reader of the environment.

``load()`` is the one way in. A wrong value is a sentence that names the setting, never a traceback, and never shows
the value of a setting that may hold a password.
"""

import difflib
import os
import re
from pathlib import Path

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "DAICHO_"
TEST_PREFIX = "DAICHO_TEST_"  # Read by the tests alone.
SCHEMA_PATTERN = re.compile(r"[a-z][a-z0-9_]{0,39}")  # Short enough for channel and index names made from it.


class BadSetting(ValueError):
    """A setting has a value that cannot be used, or a name that nothing reads."""


class Settings(BaseSettings):
    """Every setting, its default and its meaning; ``docs/settings.md`` is made from it."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", extra="ignore", frozen=True, env_ignore_empty=True
    )

    home: Path = Field(default=Path(".daicho"), description="folder of the embedded database and of the secret key")
    database_url: SecretStr | None = Field(
        default=None,
        description="PostgreSQL 15 or newer, as postgresql://user@host/name; without it the embedded server is used",
    )
    schema_name: str = Field(
        default="daicho", alias="DAICHO_SCHEMA", description="PostgreSQL schema; one merchant is one schema"
    )
    db_user: str | None = Field(
        default=None,
        description="existing account the embedded server runs as when started by root (nobody when not set)",
    )
    secret_key_file: Path | None = Field(
        default=None,
        description="file of the keys that seal secrets; <home>/secret.key when not set, made at first use",
    )
    http_host: str = Field(default="127.0.0.1", description="address the HTTP server listens on")
    http_port: int = Field(default=8380, ge=0, le=65535, description="port of the HTTP server; 0: one that is free")
    smtp_host: str = Field(default="127.0.0.1", description="address the mail receiver listens on")
    smtp_port: int = Field(default=8325, ge=0, le=65535, description="port of the mail receiver; 0: one that is free")
    lmtp_host: str = Field(default="127.0.0.1", description="address the LMTP receiver listens on")
    lmtp_port: int | None = Field(
        default=None, ge=0, le=65535, description="port for mail servers that deliver by LMTP; without it there is none"
    )
    mail_domain: str = Field(default="mail.localhost", description="domain of the shops' order-mail addresses")
    smtp_connections_max: int = Field(default=64, ge=1, le=10_000, description="mail connections open at once")
    smtp_certificate_file: Path | None = Field(
        default=None, description="certificate chain (PEM) of SMTP and LMTP; with it STARTTLS is offered"
    )
    smtp_certificate_key_file: Path | None = Field(
        default=None, description="key (PEM) of that certificate, when it is not in the same file"
    )
    mail_authserv_id: str = Field(
        default="",
        description="authserv-id of the one mail server that delivers to the SMTP and LMTP receivers: its"
        " Authentication-Results are believed; leave it empty when anybody else can reach them",
    )
    mail_arc_sealers: str = Field(
        default="", description="domains, with commas between, whose ARC seals are believed (a forwarder: google.com)"
    )
    mailbox_poll_seconds: float = Field(default=30, ge=1, le=3600, description="pause between two looks into a mailbox")
    mailbox_ca_file: Path | None = Field(
        default=None, description="certificate authorities (PEM) that mailboxes' servers may have beside the known ones"
    )
    mail_bytes_max: int = Field(default=30_000_000, ge=10_000, le=100_000_000, description="largest mail taken, bytes")
    message_days: int = Field(
        default=180, ge=1, le=3650, description="how long raw messages and rows of imported files are kept"
    )
    upload_bytes_max: int = Field(default=2_000_000_000, ge=1_000_000, description="largest file taken, bytes")
    import_changed_percent: int = Field(
        default=50,
        ge=0,
        le=100,
        description="a file that changes more of a shop's numbers is confirmed by a person; a shop: guard.changed_percent",
    )
    import_to_zero: int = Field(
        default=50,
        ge=0,
        description="a file that sends more numbers to 0 is confirmed by a person; a shop: guard.to_zero",
    )
    graphql_introspection: bool = Field(default=False, description="whether GraphQL tells its schema to API keys")
    graphql_depth_max: int = Field(default=10, ge=2, le=100, description="how deep a GraphQL operation may be nested")
    graphql_tokens_max: int = Field(default=1_000, ge=50, le=100_000, description="tokens of a GraphQL operation")
    graphql_aliases_max: int = Field(default=15, ge=0, le=1_000, description="aliases in a GraphQL operation")
    database_wait_seconds: int = Field(default=30, ge=0, le=3600, description="how long a start waits for the database")

    @field_validator("schema_name")
    @classmethod
    def _schema_is_plain(cls, value: str) -> str:
        if not SCHEMA_PATTERN.fullmatch(value) or value.startswith("pg_"):
            raise ValueError("a lower-case letter, then letters, digits and '_', at most 40, not beginning with 'pg_'")
        return value

    @field_validator("mail_domain")
    @classmethod
    def _domain_is_plain(cls, value: str) -> str:
        if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]{0,200}[a-z0-9])?", value):
            raise ValueError("a lower-case domain such as mail.example.com")
        return value

    @property
    def key_file(self) -> Path:
        return self.secret_key_file or self.home / "secret.key"


def load() -> Settings:
    """The settings of the environment and of ``.env`` in the working folder. Raises BadSetting."""
    known = {_name_of(field) for field in Settings.model_fields}
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and not name.startswith(TEST_PREFIX) and name not in known:
            near = difflib.get_close_matches(name, known, 1)
            raise BadSetting(
                f"{name} is not a setting"
                + (f"; did you mean {near[0]}?" if near else f"; known: {', '.join(sorted(known))}")
            )
    try:
        return Settings()
    except ValidationError as error:
        raise BadSetting(_sentence(error)) from None


def child_environment(**added: str) -> dict[str, str]:
    """The environment for a program that a person uses through us (psql), with what it needs added."""
    return {**os.environ, **added}


def _name_of(field: str) -> str:
    alias = Settings.model_fields[field].alias
    return alias or f"{PREFIX}{field.upper()}"


def _sentence(error: ValidationError) -> str:
    parts = []
    for problem in error.errors(include_url=False):
        field = str(problem["loc"][0])
        name = field if field.startswith(PREFIX) else _name_of(field)
        seen = "has a value that cannot be used" if "URL" in name else f"is {problem['input']!r}"
        expected = problem["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
        parts.append(f"{name} {seen}; expected {expected}")
    return "; ".join(parts)

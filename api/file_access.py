"""The folders of a shop at its mall: SFTP or FTPS as the shop's settings say, with its sealed password or key."""

import ssl
from collections.abc import Mapping

from adapters.kit.file_settings import FileServer, FileSettingNotAccepted, server_of
from adapters.kit.files_over import MallFiles
from adapters.kit.ftps import open_ftps
from adapters.kit.mall import Mall
from adapters.kit.sftp import SftpWays, open_sftp
from api.wiring import House

CALL_SECONDS_MAX = 30.0  # one put, one list: cut from outside after that


def open_files(house: House, mall: Mall, settings: Mapping[str, str], secrets: Mapping[str, str]) -> MallFiles:
    """The shop's folders. Nothing is connected yet. Raises FileSettingNotAccepted."""
    defaults = {one.name: one.default for one in mall.settings if one.for_files}
    server = server_of(settings, secrets, defaults)
    clock = house.clock
    if isinstance(server.ways, SftpWays):
        return open_sftp(
            server.login,
            server.ways,
            now=clock.now,
            monotonic=clock.monotonic,
            new_token=house.new_id,
            start_thread=house.start_thread,
            deadline_seconds=CALL_SECONDS_MAX,
        )
    return open_ftps(
        server.login,
        server.ways,
        now=clock.now,
        monotonic=clock.monotonic,
        new_token=house.new_id,
        start_thread=house.start_thread,
        deadline_seconds=CALL_SECONDS_MAX,
        certificates=_certificates(server),
    )


def _certificates(server: FileServer) -> ssl.SSLContext:
    """What verifies the server: the machine's authorities, or only the certificate a person entered. Raises FileSettingNotAccepted."""
    if not server.certificate:
        return ssl.create_default_context()
    try:
        return ssl.create_default_context(cadata=server.certificate)
    except (ssl.SSLError, ValueError):
        raise FileSettingNotAccepted(
            "file_certificate is no certificate; expected the PEM text from BEGIN CERTIFICATE to END CERTIFICATE"
        ) from None

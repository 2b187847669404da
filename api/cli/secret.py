"""``daicho secret``: the key that seals mall secrets, addresses and raw messages: exchange it, and take old ones out."""

import typer

from api.cli.output import Json, say, show_record

commands = typer.Typer(name="secret", help="The key that seals secrets and raw messages.", no_args_is_help=True)


@commands.command()
def rotate(json: Json = False) -> None:
    """Make a new key and seal everything with it; the old key stays in the file and still opens. May be stopped and run again."""
    from api.key_file import KeyFile
    from api.settings import load
    from api.tables.sealed_rows import not_with_newest, seal_again
    from api.wiring import open_house

    settings = load()
    with open_house(settings) as house, house.pool.connection() as connection:
        connection.autocommit = True
        file = KeyFile(settings.key_file)
        if len(file.keys()) == 1 or not not_with_newest(connection, house.seals):  # else: go on where one was stopped
            file.put_in_front()
        counts = seal_again(connection, house.seals, lambda table, looked, _: say(f"{table}: {looked} rows"))
        connection.autocommit = False
    say("Back up the key file now. `daicho secret drop-old` takes the old keys out when no backup needs them any more.")
    show_record({"sealedAgain": counts, "keys": len(file.keys())}, as_json=json)


@commands.command("drop-old")
def drop_old(json: Json = False) -> None:
    """Take every key but the newest out of the file. Refused while a row needs one of them. Older backups need their own copy of the file."""
    from api.key_file import KeyFile
    from api.settings import BadSetting, load
    from api.tables.sealed_rows import not_with_newest
    from api.wiring import open_house

    settings = load()
    with open_house(settings) as house, house.pool.connection() as connection:
        left = not_with_newest(connection, house.seals)
        if left:
            named = ", ".join(f"{count} of {table}" for table, count in left.items())
            raise BadSetting(f"rows are still sealed with an older key: {named}; run `daicho secret rotate` again")
        dropped = KeyFile(settings.key_file).keep_newest()
    show_record({"dropped": dropped}, as_json=json)

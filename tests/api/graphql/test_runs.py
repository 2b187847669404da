"""Files over GraphQL: previewed, applied as they were seen, taken back; each by its own scope."""

from typing import Any

from tests.api.doors_rig import Doors

PREVIEW = """mutation ($i: String!) { previewImport(importId: $i) {
  rows problemCount wouldChange numbersChanged toZero firstNumbers guarded wouldSkip { reason count } wouldTell { shop up }
} }"""
APPLY = """mutation ($i: String!, $c: ConfirmInput) { applyImport(importId: $i, confirm: $c) {
  changed unchanged movedSincePreview note skipped { reason count } moved { sku stoodAt }
} }"""
DIFFERENCES = """query ($i: String!, $a: String) { importDifferences(importId: $i, first: 2, after: $a) {
  edges { node { sku before after } } pageInfo { hasNextPage endCursor }
} }"""


def put(found: Doors, rows: str, **parameters: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {found.key}"}
    content = f"商品SKU,想定在庫数\r\n{rows}".encode()
    answer = found.client.put("/files/-/zaiko.csv", content=content, headers=headers, params=parameters)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_a_file_is_previewed_paged_through_applied_and_taken_back(open_doors: Doors) -> None:
    put(open_doors, "A,5\r\nB,5\r\n", apply="true")
    sent = put(open_doors, "A,6\r\nB,0\r\nC,1\r\nD,x\r\n")["import"]
    seen = open_doors.ask(PREVIEW, i=sent)["previewImport"]
    assert (seen["wouldChange"], seen["numbersChanged"], seen["toZero"], seen["guarded"]) == (3, 2, 1, False)
    page = open_doors.ask(DIFFERENCES, i=sent)["importDifferences"]
    assert [edge["node"]["sku"] for edge in page["edges"]] == ["A", "B"]
    rest = open_doors.ask(DIFFERENCES, i=sent, a=page["pageInfo"]["endCursor"])["importDifferences"]
    assert [edge["node"] for edge in rest["edges"]] == [{"sku": "C", "before": None, "after": 1}]
    assert open_doors.ask(APPLY, i=sent)["applyImport"]["changed"] == 3
    undo = "mutation ($i: String!) { undoImport(importId: $i) { undone left } }"
    assert open_doors.ask(undo, i=sent)["undoImport"] == {"undone": 3, "left": 0}
    run = open_doors.ask("query ($i: String!) { run(importId: $i) { state undone } }", i=sent)["run"]
    assert (run["state"], run["undone"]) == ("undone", 3)
    assert [one["importId"] for one in open_doors.ask("{ runs(first: 1) { importId } }")["runs"]] == [sent]


def test_many_numbers_to_zero_are_refused_until_their_counts_are_confirmed(open_doors: Doors) -> None:
    put(open_doors, "".join(f"S{n:02},5\r\n" for n in range(60)), apply="true")
    sent = put(open_doors, "".join(f"S{n:02},0\r\n" for n in range(60)))["import"]
    refused = open_doors.post(APPLY, {"i": sent})
    assert (refused.codes, refused.errors[0]["extensions"]["error"]) == (["REFUSED"], "NotConfirmed")
    done = open_doors.ask(APPLY, i=sent, c={"numbersChanged": 60, "toZero": 60})["applyImport"]
    assert done["changed"] == 60


def test_the_lists_of_a_run_come_by_their_own_address(open_doors: Doors) -> None:
    sent = put(open_doors, "A,6\r\nD,x\r\n", apply="true")["import"]
    headers = {"Authorization": f"Bearer {open_doors.with_scopes('read')}"}
    errors = open_doors.client.get(f"/imports/{sent}/errors.csv", headers=headers)
    assert (errors.status_code, errors.content.decode().splitlines()[1].startswith("D,x,想定在庫数")) == (200, True)
    applied = open_doors.client.get(f"/imports/{sent}/applied.csv", headers=headers)
    assert applied.content.decode("utf-8-sig").splitlines()[1].startswith("A,,6,2,")
    assert open_doors.client.get("/imports/nothing/errors.csv", headers=headers).status_code == 400
    assert open_doors.client.get(f"/imports/{sent}/other.csv", headers=headers).status_code == 404


def test_the_set_up_can_be_read_and_chosen_and_a_reader_cannot_choose(open_doors: Doors) -> None:
    assert open_doors.ask("{ setUp { edges { node { sku numbers { shop units } } } } }")["setUp"]["edges"] == []
    done = open_doors.ask("mutation { chooseSetUp { changed skipped { reason } } }")["chooseSetUp"]
    assert done == {"changed": 0, "skipped": []}
    said = open_doors.post("mutation { chooseSetUp { changed } }", key=open_doors.with_scopes("read"))
    assert said.codes == ["FORBIDDEN"]

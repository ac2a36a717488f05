"""What an import says to people: stages, formats, and why a line was not used. Codes never change."""

from densach_core.text import Text, t
from densach_hub.library.batches import Stage

STAGES: dict[Stage, Text] = {
    Stage.READING: t("The file is being read"),
    Stage.PREVIEW: t("Waiting for your yes"),
    Stage.ADDING: t("New records are being added"),
    Stage.CHANGING: t("Records are being changed"),
    Stage.INDEXING: t("Being made searchable"),
    Stage.DONE: t("Imported"),
    Stage.UNDOING: t("Being taken back"),
    Stage.UNDONE: t("Taken back"),
    Stage.DROPPED: t("Dropped"),
    Stage.FAILED: t("Could not be read"),
}
FORMATS = {"marc": "MARC 21", "marcxml": "MARCXML", "csv": "CSV", "xlsx": "XLSX", "calibre": "Calibre", "opds": "OPDS"}
CODES: dict[str, Text] = {
    "import.no-title": t("The title is missing; the line was left out."),
    "import.title-cut": t("The title is very long and was cut."),
    "import.grade": t("The grade is not one from 1 to 12; the record is used without it."),
    "import.copies": t("The number of copies is no number; the record is used without it."),
    "import.twice": t("The same record stands earlier in this file."),
    "import.marc-length": t("The record names a wrong length; it was read by its separators."),
    "import.marc-encoding": t("The record names another encoding than its letters have; it was read by the letters."),
    "import.marc-directory": t("The record's directory does not fit its fields; it was left out."),
    "import.marc-truncated": t("The record ends in the middle; the file was copied only in part."),
    "import.xml-broken": t("The file is no longer XML from here on; what stands before is used."),
    "import.row-broken": t("The table cannot be read from here on; what stands before is used."),
    "import.opf-broken": t("The description of this book cannot be read."),
    "import.database-broken": t("The Calibre database is damaged from here on."),
    "import.file-missing": t("The file of this record was not found; only the record is used."),
    "import.changed-meanwhile": t("Somebody changed this item after the preview; it was left alone."),
    "import.there-already": t("This came into the library after the preview; nothing was added."),
    "import.changed-since": t("Changed after the import; it was not taken back."),
    "import.withdrawn": t("It has a file or readers already; it was withdrawn instead of deleted."),
    "import.no-header": t(
        "No row with column headings was found. The table needs headings such as “Nhan đề”, “Tác giả”, “ISBN”."
    ),
    "import.not-readable": t("The file cannot be read. Export it again from the program it comes from, or save it as XLSX."),
    "import.too-slow": t("Reading this file took too long. Split it into several files."),
    "import.out-of-memory": t("Reading this file needs too much memory. Split it into several files."),
    "import.reader-crashed": t("Reading this file crashed the reader. Export it again from the program it comes from."),
    "import.encoding": t("The letters of this file cannot be read. Save it again as “CSV UTF-8” or as XLSX."),
    "import.empty": t("The file is empty."),
    "import.too-large": t("This file is too large. Split it into several files."),
    "import.feed-broken": t("A page of the other catalogue cannot be read; its records are missing."),
    "import.unreachable": t("The other catalogue could not be reached. Look whether it is switched on, then begin anew."),
    "import.no-feed": t("There is no catalogue (OPDS) at this address."),
    "import.locked": t("The other catalogue wants a log-in: begin anew with the name and password it gave you."),
    "import.login-refused": t("The other catalogue did not take this name and password."),
    "import.own-address": t("This address is the hub itself; give another machine's."),
    "import.elsewhere": t("The other catalogue leads to another address; it was not followed."),
    "import.feed-too-large": t("A page of the other catalogue is too large."),
    "import.catalogue-too-large": t("This catalogue is too large to be taken at once; give the address of one of its shelves."),
    "import.no-calibre": t("This folder is no Calibre library. Choose the folder that holds metadata.db."),
}
WHY: dict[str, Text] = {
    "added": t("as it came"),
    "edited": t("edited"),
    "many": t("edited with others at once"),
    "restored": t("an earlier version brought back"),
    "import": t("changed by an import"),
    "import-undone": t("import taken back"),
    "merged": t("merged with its twin"),
    "merge-undone": t("merge taken back"),
}
"""Why a version came about."""


def why(code: str | None) -> Text | str:
    return CODES.get(code or "", code or "")

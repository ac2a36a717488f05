"""The real LibreOffice, not part of the suite: `pytest tests/hub/library/real_office.py`.

Needs `apt-get install --no-install-recommends libreoffice-writer libreoffice-calc libreoffice-impress`.
"""

import shutil
import subprocess
from pathlib import Path

import pytest
from tests.hub.library.world import library_in, put_in

RTF = rb"{\rtf1 {\b Bai giang} \par Xin chao}"


@pytest.mark.parametrize("kind", ["rtf", "docx", "odt", "doc"])
async def test_a_document_becomes_pages(tmp_path: Path, kind: str) -> None:
    """LibreOffice writes the document itself, from a few words."""
    program = shutil.which("soffice")
    assert program, "LibreOffice is not installed"
    source = tmp_path / "bai.rtf"
    source.write_bytes(RTF)
    if kind != "rtf":
        command = [program, "--headless", f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}", "--convert-to", kind]
        subprocess.run([*command, "--outdir", str(tmp_path), str(source)], check=True, capture_output=True, timeout=120)
    async with library_in(tmp_path / "data") as library:
        it = await put_in(library, tmp_path, f"bai.{kind}", source.with_suffix(f".{kind}").read_bytes())
        assert await library.views.make(it), (await library.item(it.id)).remark
        path = library.views.path(it)
        assert path is not None
        assert path.read_bytes().startswith(b"%PDF-")
